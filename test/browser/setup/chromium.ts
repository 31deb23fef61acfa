/** Global setup of the browser tests: without a Chromium they fail with the reason; they are never skipped. */
import { findChromium } from '../../../node/cli/chromium.ts'

export async function setup(): Promise<void> {
  const search = await findChromium()
  if (search.path === undefined) {
    throw new Error(`the browser tests need a Chromium: ${search.tried.join('; ')}. "npm run chromium" installs one.`)
  }
}
