/**
 * The browser for the check and the pictures: starts it, opens pages that share nothing (a browser context has
 * its own IndexedDB), and collects everything that goes wrong in them. What is looked for in a page is in demo-tab.ts.
 */
import process from 'node:process'
import type { Browser, Page } from 'playwright-core'
import type { DemoBrowserName } from './demo-command.ts'
import type { Demo } from './demo-start.ts'
import { DemoTab } from './demo-tab.ts'
import { type LaunchOptions, launchChromium } from './launch-chromium.ts'
import { launchFirefox } from './launch-firefox.ts'

/** Of one look or click; a page that hangs must not hold the check. */
const actionDeadlineMs = 30_000

export interface TabOptions {
  readonly viewport?: { readonly width: number; readonly height: number }
  readonly colorScheme?: 'light' | 'dark'
  /** Pixels of the picture per pixel of the page. */
  readonly scale?: number
  /** Runs in the page before its own scripts. */
  readonly before?: () => void
}

/** What is served instead of a file of the page. */
export interface Broken {
  /** The path of the file. */
  readonly path: string
  readonly status: number
  readonly body: string
}

/** Of the main thread of a page, s. */
export interface ThreadTimes {
  readonly thread: number
  readonly tasks: number
}

export class DemoBrowser {
  readonly #browser: Browser
  readonly #url: string

  constructor(browser: Browser, url: string) {
    this.#browser = browser
    this.#url = url
  }

  /** A new visitor; the page is loaded, the pool may still be starting. */
  async open(
    name: string,
    { viewport = { width: 1280, height: 900 }, colorScheme = 'light', scale = 1, before }: TabOptions = {},
    url = this.#url
  ): Promise<DemoTab> {
    const context = await this.#browser.newContext({ viewport, colorScheme, deviceScaleFactor: scale })
    context.setDefaultTimeout(actionDeadlineMs)
    if (before !== undefined) await context.addInitScript(before)
    const page = await context.newPage()
    const tab = new DemoTab(name, page)
    await page.goto(url)
    return tab
  }

  /** Processor time of the page's main thread, and how long its tasks took, asked for from now on; Chromium alone says it. */
  async threadTimes({ page }: DemoTab): Promise<() => Promise<ThreadTimes | undefined>> {
    if (this.#browser.browserType().name() !== 'chromium') return async () => undefined
    const session = await page.context().newCDPSession(page)
    await session.send('Performance.enable')
    return async () => {
      const { metrics } = await session.send('Performance.getMetrics')
      const of = (wanted: string): number => metrics.find(({ name }) => name === wanted)?.value ?? 0
      return { thread: of('ThreadTime'), tasks: of('TaskDuration') }
    }
  }

  /** A page of which one file is not as it was built. Close it together with its visitor: `page.context().close()`. */
  async openBroken({ path, status, body }: Broken): Promise<Page> {
    const context = await this.#browser.newContext()
    context.setDefaultTimeout(actionDeadlineMs)
    const page = await context.newPage()
    await page.route(
      (url) => url.pathname === path,
      (route) => route.fulfill({ status, body, contentType: 'text/javascript' })
    )
    await page.goto(this.#url)
    return page
  }

  /** Another tab of the same visitor. */
  async openBeside({ page }: DemoTab, name: string, query = ''): Promise<DemoTab> {
    const beside = await page.context().newPage()
    const tab = new DemoTab(name, beside)
    await beside.goto(`${this.#url}${query}`)
    return tab
  }

  /** A page whose server has no settings for it: it cannot start. */
  async openFailing({ viewport = { width: 1280, height: 900 }, colorScheme = 'light', scale = 1 }: TabOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({ viewport, colorScheme, deviceScaleFactor: scale })
    const page = await context.newPage()
    await page.route('**/demo.json', (route) => route.fulfill({ status: 503, body: '' }))
    await page.goto(this.#url)
    return page
  }
}

export interface BrowserOptions extends LaunchOptions {
  readonly demo: Demo
  readonly name: DemoBrowserName
}

/** Installs the browser if there is none. Rejects with everything that was tried. */
export async function startBrowser({ demo, name, shutdown, log }: BrowserOptions): Promise<DemoBrowser> {
  // Playwright forgets its profile folder when the browser is killed; in the demo's own folder it goes with that.
  process.env.TMPDIR = demo.network.folder
  const browser = await (name === 'firefox' ? launchFirefox : launchChromium)({ shutdown, log })
  browser.on('disconnected', () => {
    if (!shutdown.signal.aborted) shutdown.crashed('The browser', 'it ended by itself')
  })
  return new DemoBrowser(browser, demo.url)
}
