/** Takes the picture of the README: the page at the head, with both liars out and one peer that is slow. Called by `cli.ts`. */
import { setTimeout as pause } from 'node:timers/promises'
import type { LaunchOptions } from '../../../../node/cli/launch-chromium.ts'
import { openPage } from './browser.ts'
import type { Example } from './start-example.ts'

/** Long enough to be overdue, short enough to be an answer. */
const slowAnswerMs = 900
const slowHeaders = 3

export interface PictureOptions extends LaunchOptions {
  readonly example: Example
  /** Of the .png file. */
  readonly path: string
}

/** Rejects if there is no Chromium, or if the page does not come so far in time. */
export async function takePicture({ example: { network, url }, path, ...options }: PictureOptions): Promise<void> {
  const page = await openPage(options)
  await page.goto(url)
  await page
    .locator('#lies li')
    .nth(network.liars.length - 1)
    .waitFor()
  const [, slow] = network.honest
  if (slow !== undefined) slow.answerDelayMs = slowAnswerMs
  for (let count = 0; count < slowHeaders; count++) {
    slow?.makeHeader()
    await pause(2 * slowAnswerMs)
  }
  await page.locator('#log [data-kind="switched"]').first().waitFor()
  await page.locator('body[data-phase="following"]').waitFor()
  await page.screenshot({ path, fullPage: true })
}
