/** A Firefox that a command owns: found or installed, started, and closed by its `Shutdown`. For the demo. */
import type { Browser } from 'playwright-core'
import { findOrInstallFirefox, firefoxLaunch } from './firefox.ts'
import type { LaunchOptions } from './launch-chromium.ts'

/** Playwright cannot ask Firefox for it page by page. */
const lessMotion = { 'ui.prefersReducedMotion': 1 }

/** Installs Firefox if there is none. Rejects with everything that was tried. */
export async function launchFirefox({ shutdown, log }: LaunchOptions): Promise<Browser> {
  const path = await findOrInstallFirefox({ log })
  const { firefox } = await import('playwright-core')
  return await shutdown.own('Firefox', {
    // Signals are the shutdown's: Playwright would end the process at the first one.
    start: () => firefox.launch({ ...firefoxLaunch(path, lessMotion), handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }),
    stop: (started) => started.close()
  })
}
