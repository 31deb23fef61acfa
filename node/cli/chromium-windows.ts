/**
 * A Chromium with real windows and tabs, over the DevTools protocol itself: Playwright keeps every page of it visible, so
 * that nothing is ever hidden or frozen there. Each window is a profile of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { chromiumFlags, findChromium } from './chromium.ts'
import type { HidingBrowser, HidingTab } from './hiding-windows.ts'

/** An answer of the browser takes milliseconds; whatever waits for more in a page must end by itself before. */
const answerWithinMs = 60_000

interface Reply {
  readonly id?: number
  readonly method?: string
  readonly sessionId?: string
  readonly params?: {
    readonly exceptionDetails?: unknown
    readonly type?: string
    readonly args?: readonly { readonly value?: unknown; readonly description?: string }[]
    readonly entry?: { readonly level: string; readonly text: string; readonly url?: string }
  }
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

export class Chromium implements HidingBrowser {
  readonly #process: ChildProcess
  readonly #socket: WebSocket
  readonly #profile: string
  readonly #waiting = new Map<number, (reply: Reply) => void>()
  #ids = 0
  /** What pages threw and nobody caught. */
  readonly complaints: string[] = []
  /** Errors and warnings on the consoles of pages, of the browser itself too. */
  readonly consoleErrors: string[] = []

  static async launch(): Promise<Chromium> {
    const { path = 'chromium' } = await findChromium()
    const profile = await mkdtemp(join(tmpdir(), 'p2p-pool-chromium-'))
    const flags = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, ...chromiumFlags, 'about:blank']
    const started = spawn(path, flags, { stdio: ['ignore', 'ignore', 'pipe'] })
    process.once('exit', () => started.kill('SIGKILL'))
    const url = await new Promise<string>((resolve, reject) => {
      let said = ''
      started.once('exit', () => reject(new Error(`Chromium ended: ${said}`)))
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text
        const [, found] = /DevTools listening on (ws:\S+)/.exec(said) ?? []
        if (found !== undefined) resolve(found)
      })
    })
    const socket = new WebSocket(url)
    await new Promise((resolve, reject) => {
      socket.onopen = resolve
      socket.onerror = reject
    })
    return new Chromium(started, { socket, profile })
  }

  private constructor(started: ChildProcess, { socket, profile }: { socket: WebSocket; profile: string }) {
    this.#process = started
    this.#socket = socket
    this.#profile = profile
    socket.onmessage = ({ data }) => this.#heard(JSON.parse(String(data)) as Reply)
  }

  /** A page of a new visitor, with storage of its own, in a new window, in front. */
  async open(url: string): Promise<Tab> {
    const { browserContextId } = await this.send('Target.createBrowserContext')
    return this.openTab(url, String(browserContextId))
  }

  /** Closes all pages of a visitor, as a person closes a window. */
  async leave(browserContextId: string): Promise<void> {
    await this.send('Target.disposeBrowserContext', { browserContextId })
  }

  /** A page in front of the others of its window. */
  async openTab(url: string, browserContextId: string): Promise<Tab> {
    const { targetId } = await this.send('Target.createTarget', { url, browserContextId })
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true })
    const tab = new Tab(this, { targetId: String(targetId), sessionId: String(sessionId), browserContextId })
    await Promise.all([tab.send('Runtime.enable'), tab.send('Log.enable')])
    return tab
  }

  send(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const id = ++this.#ids
      const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), answerWithinMs)
      this.#waiting.set(id, ({ result = {}, error }) => {
        clearTimeout(timer)
        if (error === undefined) resolve(result)
        else reject(new Error(`${method}: ${error.message}`))
      })
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
    })
  }

  #heard(reply: Reply): void {
    if (reply.method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(reply.params?.exceptionDetails))
    const { type, args, entry } = reply.params ?? {}
    if (reply.method === 'Runtime.consoleAPICalled' && (type === 'error' || type === 'warning'))
      this.consoleErrors.push(`${type}: ${(args ?? []).map((arg) => String(arg.value ?? arg.description)).join(' ')}`)
    if (reply.method === 'Log.entryAdded' && (entry?.level === 'error' || entry?.level === 'warning'))
      this.consoleErrors.push(`${entry.level}: ${entry.text} ${entry.url ?? ''}`)
    if (reply.id === undefined) return
    this.#waiting.get(reply.id)?.(reply)
    this.#waiting.delete(reply.id)
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#socket.close()
    this.#process.kill()
    await ended
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

export class Tab implements HidingTab {
  readonly #browser: Chromium
  readonly #ids: { readonly targetId: string; readonly sessionId: string; readonly browserContextId: string }
  #cover: Tab | undefined

  constructor(browser: Chromium, ids: { targetId: string; sessionId: string; browserContextId: string }) {
    this.#browser = browser
    this.#ids = ids
  }

  send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    return this.#browser.send(method, params, this.#ids.sessionId)
  }

  /** Runs a function in the page, on arguments that are JSON; resolves with what it returns or resolves with. */
  async evaluate<Args extends readonly unknown[], Result>(run: (...args: Args) => Result, ...args: Args): Promise<Awaited<Result>> {
    const expression = `(${run})(...${JSON.stringify(args)})`
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    if (exceptionDetails !== undefined) throw new Error(`in the page: ${JSON.stringify(exceptionDetails)}`)
    return (result as { value: Awaited<Result> }).value
  }

  /** Another page of the same profile, in front of this one. */
  openBeside(url: string): Promise<Tab> {
    return this.#browser.openTab(url, this.#ids.browserContextId)
  }

  /** Another tab of the window comes before it. */
  async hide(): Promise<void> {
    this.#cover ??= await this.#browser.openTab('about:blank', this.#ids.browserContextId)
    await this.#browser.send('Target.activateTarget', { targetId: this.#cover.#ids.targetId })
  }

  async show(): Promise<void> {
    await this.#browser.send('Target.activateTarget', { targetId: this.#ids.targetId })
  }

  /** Closes this page and all others of its visitor. */
  async leave(): Promise<void> {
    await this.#browser.leave(this.#ids.browserContextId)
  }

  /** Only a hidden page is frozen. */
  async freeze(): Promise<void> {
    await this.send('Page.setWebLifecycleState', { state: 'frozen' })
  }

  async thaw(): Promise<void> {
    await this.send('Page.setWebLifecycleState', { state: 'active' })
  }

  /** Tells the page that it is offline, or online again, and fails its new connections meanwhile. */
  async setOffline(offline: boolean): Promise<void> {
    await this.send('Network.enable')
    await this.send('Network.emulateNetworkConditions', { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 })
  }

  /** To another page, as by a link. */
  async leaveFor(url: string): Promise<void> {
    await this.send('Page.navigate', { url })
  }

  /** By the back button. */
  async goBack(): Promise<void> {
    const { currentIndex, entries } = await this.send('Page.getNavigationHistory')
    const before = (entries as { readonly id: number }[])[Number(currentIndex) - 1]
    if (before === undefined) throw new Error('there is no page to go back to')
    await this.send('Page.navigateToHistoryEntry', { entryId: before.id })
  }

  async reload(): Promise<void> {
    await this.send('Page.reload')
  }
}
