/** Takes the picture of the README: the page at the head, with both liars out and one peer that is slow. Called by `cli.ts`. */
import { setTimeout as pause } from 'node:timers/promises'
import { chromiumFlags, findOrInstallChromium } from '../../node/cli/chromium.ts'
import type { Shutdown } from '../../node/cli/demo-shutdown.ts'
import type { Example } from './start-example.ts'

const pageDeadlineMs = 30_000
/** Long enough to be overdue, short enough to be an answer. */
const slowAnswerMs = 900
const slowHeaders = 3

export interface PictureOptions {
  readonly example: Example
  readonly shutdown: Shutdown
  /** Of the .png file. */
  readonly path: string
  log(line: string): void
}

/** Rejects if there is no Chromium, or if the page does not come so far in time. */
export async function takePicture({ example: { network, url }, shutdown, path, log }: PictureOptions): Promise<void> {
  const executablePath = await findOrInstallChromium({ log })
  const { chromium } = await import('playwright-core')
  const browser = await shutdown.own('Chromium', {
    // Signals are the shutdown's: Playwright would end the process at the first one.
    start: () =>
      chromium.launch({ executablePath, args: [...chromiumFlags], handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }),
    stop: (started) => started.close()
  })
  const page = await browser.newPage({ viewport: { width: 1_180, height: 1_000 }, colorScheme: 'light', reducedMotion: 'reduce' })
  page.setDefaultTimeout(pageDeadlineMs)
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
