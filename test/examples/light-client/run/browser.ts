/** The page of the example in a Chromium of its own, for the picture and the check. */
import type { Page } from 'playwright-core'
import { type LaunchOptions, launchChromium } from '../../../../node/cli/launch-chromium.ts'

/** Of one look: a page that hangs must not hold the whole. */
const pageDeadlineMs = 30_000

/** A blank page; Chromium is installed if there is none, and owned by the given `Shutdown`. Rejects with everything that was tried. */
export async function openPage(options: LaunchOptions): Promise<Page> {
  const browser = await launchChromium(options)
  const page = await browser.newPage({ viewport: { width: 1_180, height: 1_000 }, colorScheme: 'light', reducedMotion: 'reduce' })
  page.setDefaultTimeout(pageDeadlineMs)
  return page
}
