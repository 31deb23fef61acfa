/** The picture of the docs: a world whose relays died, with some that do not run. */
import type { Browser } from 'playwright-core'
import type { Shutdown } from './demo-shutdown.ts'
import { buildPlayground, servePlayground } from './playground-page.ts'
import { PlaygroundVisitor } from './playground-visitor.ts'

const world = 'pools=60&churn=10&acts=kill-relays@60'
const seconds = 90
const size = { width: 1120, height: 720 }
/** Of JPEG: below 100 kB, with letters that can be read. */
const quality = 65

export interface PictureOptions {
  readonly browser: Browser
  readonly shutdown: Shutdown
  /** Where the page is built; empty. */
  readonly folder: string
  readonly path: string
}

export async function takePlaygroundPicture({ browser, shutdown, folder, path }: PictureOptions): Promise<void> {
  await buildPlayground(folder)
  const server = await shutdown.own('The web server', { start: () => servePlayground(folder, 0), stop: (started) => started.close() })
  const visitor = await PlaygroundVisitor.open(browser, `${server.url}#${world}`, { viewport: size, colorScheme: 'light' })
  await visitor.setSpeed(60)
  await visitor.runTo(seconds)
  // The buttons of time are at the end of the page, and the picture is of its top.
  await visitor.page.evaluate(() => scrollTo({ top: 0, behavior: 'instant' }))
  await visitor.page.mouse.move(0, 0)
  await visitor.page.screenshot({ path, type: 'jpeg', quality, animations: 'disabled' })
  await visitor.close()
}
