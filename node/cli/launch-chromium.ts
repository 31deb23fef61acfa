/** A Chromium that a command owns: found or installed, started, and closed by its `Shutdown`. For the demo and the example. */
import type { Browser } from 'playwright-core'
import { chromiumFlags, findOrInstallChromium } from './chromium.ts'
import type { Shutdown } from './demo-shutdown.ts'

export interface LaunchOptions {
  readonly shutdown: Shutdown
  log(line: string): void
}

/** Installs Chromium if there is none. Rejects with everything that was tried. */
export async function launchChromium({ shutdown, log }: LaunchOptions): Promise<Browser> {
  const executablePath = await findOrInstallChromium({ log })
  const { chromium } = await import('playwright-core')
  return await shutdown.own('Chromium', {
    // Signals are the shutdown's: Playwright would end the process at the first one.
    start: () =>
      chromium.launch({ executablePath, args: [...chromiumFlags], handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }),
    stop: (started) => started.close()
  })
}
