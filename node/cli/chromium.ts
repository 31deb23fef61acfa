/**
 * Finds a Chromium that starts on this machine, or installs one. Called by `npm test` before vitest, by vite.config.ts for
 * the browser tests, and by the demo. Starting pages in it is left to them.
 */
import process from 'node:process'
import {
  type BrowserSearch,
  findBrowser,
  findOrInstallAsCommand,
  findOrInstallBrowser,
  type InstallOptions,
  type Wanted
} from './find-browser.ts'
import { type Machine, thisMachine } from './machine.ts'

/** For tests and the demo only: no sandbox because containers run as root, the rest keeps Chromium from calling home. */
export const chromiumFlags: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

const chromium: Wanted = {
  name: 'Chromium',
  variable: 'CHROME_PATH',
  // Debian's name first, since that is what we install.
  commandNames: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  aptPackage: 'chromium',
  other: {
    name: 'Playwright',
    path: (machine) => machine.playwrightPath(),
    install: (machine) => [process.execPath, machine.playwrightCli(), 'install', '--no-shell', 'chromium']
  },
  advice: 'Install Chromium or Chrome, or set CHROME_PATH.'
}

/** Looks without changing anything: `CHROME_PATH`, the path, Playwright's own. Throws if `CHROME_PATH` is set to something that does not run. */
export function findChromium(machine: Machine = thisMachine): Promise<BrowserSearch> {
  return findBrowser(chromium, machine)
}

/** The path of a Chromium that starts; installs one if none is found. Rejects with an error that lists everything tried. */
export function findOrInstallChromium(options: InstallOptions): Promise<string> {
  return findOrInstallBrowser(chromium, options)
}

if (import.meta.main) await findOrInstallAsCommand(chromium)
