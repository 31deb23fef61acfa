/** The page of the example in a Chromium of its own, for the picture and the check. */
import type { Page } from 'playwright-core'
import { chromiumFlags, findOrInstallChromium } from '../../node/cli/chromium.ts'
import type { Shutdown } from '../../node/cli/demo-shutdown.ts'

/** Of one look: a page that hangs must not hold the whole. */
const pageDeadlineMs = 30_000

export interface BrowserOptions {
  readonly shutdown: Shutdown
  log(line: string): void
}

/** A blank page; Chromium is installed if there is none, and owned by the given `Shutdown`. Rejects with everything that was tried. */
export async function openBrowser({ shutdown, log }: BrowserOptions): Promise<Page> {
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
  return page
}
