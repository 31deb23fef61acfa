/** Global setup of the browser tests: without both browsers they fail with the reason; they are never skipped. */
import { findChromium } from '../../../node/cli/chromium.ts'
import { firefoxPath } from '../../../node/cli/firefox.ts'

export async function setup(): Promise<void> {
  const search = await findChromium()
  if (search.path === undefined) {
    throw new Error(`the browser tests need a Chromium: ${search.tried.join('; ')}. "npm run chromium" installs one.`)
  }
  await firefoxPath()
}
