/**
 * The browser that tests drive from Node: Chromium, or Firefox where `TEST_BROWSER` says so (`npm run test:firefox`). What a browser cannot
 * do is no test there, and docs/browsers.md names it.
 */
import process from 'node:process'
import { type Browser, chromium, firefox } from 'playwright-core'
import { chromiumFlags, findChromium } from '../../node/cli/chromium.ts'
import { Chromium } from '../../node/cli/chromium-windows.ts'
import { endedInFirefox, failedInFirefox, firefoxLaunch, firefoxPath } from '../../node/cli/firefox.ts'
import { Firefox } from '../../node/cli/firefox-windows.ts'
import type { HidingBrowser } from '../../node/cli/hiding-windows.ts'

export const isFirefox = process.env.TEST_BROWSER === 'firefox'

/** For what only Chromium can be told to do: freeze a page, crash it, count what is left in its memory. */
export const inChromium = !isFirefox

/** Whether a page threw this. Firefox reports connections that fail in the same way. */
export function isThrown({ message }: Error): boolean {
  return !failedInFirefox.test(message) && !endedInFirefox.test(message)
}

/** Pages that are all visible, with what Playwright can do to them. */
export async function launchBrowser(): Promise<Browser> {
  if (isFirefox) return firefox.launch(firefoxLaunch(await firefoxPath()))
  const { path } = await findChromium()
  return chromium.launch({ ...(path === undefined ? {} : { executablePath: path }), args: [...chromiumFlags] })
}

/** Windows of which one tab is visible at a time. */
export async function launchWindows(): Promise<HidingBrowser> {
  return isFirefox ? Firefox.launch(await firefoxPath()) : Chromium.launch()
}
