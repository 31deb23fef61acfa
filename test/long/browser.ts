/** One Chromium for all pages of a long run; each page has a profile of its own. */
import type { Server } from 'node:http'
import { type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core'
import { chromiumFlags, findChromium } from '../../node/cli/chromium.ts'
import { addressOf, bundlePage, servePage } from '../node/pages.ts'
import type { LongPage } from './long-page.ts'

/** In the page. */
declare const long: LongPage

/** How a page goes: by a link, by closing its tab, or by a crash of its process. */
export const departures = ['left', 'closed', 'crashed'] as const
export type Departure = (typeof departures)[number]

/** What Chromium says of a task, among others; `tdur` is the processor time, microseconds. */
interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly tdur?: number
}

export class LongBrowser {
  readonly #server: Server
  readonly #browser: Awaited<ReturnType<typeof chromium.launch>>
  readonly version: string
  #session: Promise<CDPSession> | undefined
  readonly #processorMs = new Map<number, number>()

  /** `page`: the code of its pages, beside this file. It sets `long`. */
  static async launch(page = 'long-page.ts'): Promise<LongBrowser> {
    const { path } = await findChromium()
    const [server, browser] = await Promise.all([
      bundlePage(`../long/${page}`).then(servePage),
      chromium.launch({ ...(path === undefined ? {} : { executablePath: path }), args: [...chromiumFlags] })
    ])
    return new LongBrowser(server, browser)
  }

  private constructor(server: Server, browser: Awaited<ReturnType<typeof chromium.launch>>) {
    this.#server = server
    this.#browser = browser
    this.version = browser.version()
  }

  async open(): Promise<Tab> {
    const context = await this.#browser.newContext()
    const page = await context.newPage()
    page.setDefaultTimeout(0)
    await page.goto(addressOf(this.#server))
    await page.waitForFunction(() => typeof long === 'object')
    return new Tab(context, page)
  }

  /** Processor time of all its processes so far, ms. Of one that has ended, as of the call before. */
  async processorMs(): Promise<number> {
    this.#session ??= this.#browser.newBrowserCDPSession()
    const { processInfo } = await (await this.#session).send('SystemInfo.getProcessInfo')
    for (const { id, cpuTime } of processInfo) this.#processorMs.set(id, cpuTime * 1_000)
    return [...this.#processorMs.values()].reduce((sum, ms) => sum + ms, 0)
  }

  /** The tasks of a tab's main thread while something is done, each with the processor time that it took, ms: what else runs on the machine adds little. */
  async tasksOf(tab: Tab, during: () => Promise<unknown>): Promise<readonly number[]> {
    const mark = 'the page that is watched'
    await this.#browser.startTracing(undefined, { categories: ['toplevel', 'blink.user_timing'] })
    await tab.page.evaluate((name) => performance.mark(name) && undefined, mark)
    await during()
    const { traceEvents } = JSON.parse((await this.#browser.stopTracing()).toString()) as { readonly traceEvents: readonly TraceEvent[] }
    const watched = traceEvents.find(({ name }) => name === mark)
    const isTask = ({ name, pid, tid }: TraceEvent): boolean =>
      name === 'ThreadControllerImpl::RunTask' && pid === watched?.pid && tid === watched.tid
    return traceEvents.filter(isTask).map(({ tdur = 0 }) => tdur / 1_000)
  }

  async close(): Promise<void> {
    await this.#browser.close()
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

export class Tab {
  readonly #context: BrowserContext
  readonly page: Page
  #session: Promise<CDPSession> | undefined

  constructor(context: BrowserContext, page: Page) {
    this.#context = context
    this.page = page
  }

  /** The same tab, loaded anew: what it has stored is there again. */
  async reload(): Promise<void> {
    await this.page.reload()
    await this.page.waitForFunction(() => typeof long === 'object')
  }

  /** What its main thread has worked since it was loaded, ms. */
  async mainThreadMs(): Promise<number> {
    this.#session ??= this.#context.newCDPSession(this.page)
    const session = await this.#session
    await session.send('Performance.enable')
    const { metrics } = await session.send('Performance.getMetrics')
    return 1_000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN)
  }

  /** It goes for ever. */
  async end(how: Departure): Promise<void> {
    if (how === 'left') await this.page.goto('about:blank')
    // The browser answers nothing for a page that has crashed.
    if (how === 'crashed') await this.page.goto('chrome://crash', { timeout: 2_000 }).catch(() => undefined)
    await this.#context.close()
  }

  /** Bytes in use after a full collection, and the RTCPeerConnections that are left then. */
  async heap(): Promise<{ bytes: number; peerConnections: number }> {
    this.#session ??= this.#context.newCDPSession(this.page)
    const session = await this.#session
    // What the first one finalises, the second one frees.
    for (let i = 0; i < 3; i++) await session.send('HeapProfiler.collectGarbage')
    const { result } = await session.send('Runtime.evaluate', { expression: 'RTCPeerConnection.prototype' })
    const { objects } = await session.send('Runtime.queryObjects', { prototypeObjectId: result.objectId ?? '' })
    const { result: alive } = await session.send('Runtime.callFunctionOn', {
      functionDeclaration: 'function () { return this.length }',
      objectId: objects.objectId ?? '',
      returnByValue: true
    })
    // What the inspector holds is not collected.
    for (const { objectId } of [objects, result]) await session.send('Runtime.releaseObject', { objectId: objectId ?? '' })
    await session.send('HeapProfiler.collectGarbage')
    const { usedSize } = await session.send('Runtime.getHeapUsage')
    return { bytes: usedSize, peerConnections: Number(alive.value) }
  }
}
