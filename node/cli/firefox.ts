/**
 * Finds a Firefox that starts on this machine, or installs Debian's. Called by `npm test` before vitest, by vite.config.ts for the browser
 * tests, and by the demo. How Playwright starts it is here too: its own patched Firefox is not what people have.
 */
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { LaunchOptions } from 'playwright-core'
import {
  type BrowserSearch,
  findBrowser,
  findOrInstallAsCommand,
  findOrInstallBrowser,
  type InstallOptions,
  type Wanted
} from './find-browser.ts'
import { type Machine, thisMachine } from './machine.ts'

/** Firefox calls home and opens pages of its own otherwise. WebRTC needs the addresses of this machine: nothing else connects them here. */
export const firefoxPreferences: Readonly<Record<string, boolean | number | string>> = {
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false
}

/** What Firefox says of a WebSocket that nobody took, and where: an error that nobody caught, for WebDriver. */
export const failedInFirefox = /Firefox can’t establish a connection to the server at (\S+)\.$/

/** The same of a dial that the pool gives up, and of a WebRTC connection whose other page has gone. Chromium says nothing. */
export const endedInFirefox = /The connection to \S+ was interrupted while the page was loading\.$|ICE failed, add a STUN server/

const firefox: Wanted = {
  name: 'Firefox',
  variable: 'FIREFOX_PATH',
  commandNames: ['firefox-esr', 'firefox'],
  aptPackage: 'firefox-esr',
  advice: 'Install Firefox, or set FIREFOX_PATH.'
}

/** Looks without changing anything: `FIREFOX_PATH`, the path. Throws if `FIREFOX_PATH` is set to something that does not run. */
export function findFirefox(machine: Machine = thisMachine): Promise<BrowserSearch> {
  return findBrowser(firefox, machine)
}

/** The path of one that starts, for who needs one. Rejects with what was looked at in vain; installs nothing. */
export async function firefoxPath(): Promise<string> {
  const search = await findFirefox()
  if (search.path === undefined) throw new Error(`there is no Firefox: ${search.tried.join('; ')}. "npm run firefox" installs one.`)
  return search.path
}

/** The path of a Firefox that starts; installs Debian's if none is found. Rejects with an error that lists everything tried. */
export function findOrInstallFirefox(options: InstallOptions): Promise<string> {
  return findOrInstallBrowser(firefox, options)
}

/** For `firefox.launch` of Playwright, which then drives this very Firefox over WebDriver BiDi. */
export function firefoxLaunch(path: string, preferences: LaunchOptions['firefoxUserPrefs'] = {}): LaunchOptions {
  return {
    channel: 'moz-firefox',
    executablePath: fileURLToPath(new URL('firefox-for-playwright.js', import.meta.url)),
    env: { ...process.env, FIREFOX_FOR_PLAYWRIGHT: path },
    firefoxUserPrefs: { ...firefoxPreferences, ...preferences }
  }
}

if (import.meta.main) await findOrInstallAsCommand(firefox)
