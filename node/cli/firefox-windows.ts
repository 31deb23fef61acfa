/** A Firefox with real tabs that hide each other, over WebDriver BiDi. Each visitor is a user context with storage of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import WebSocket from 'ws'
import { endedInFirefox, failedInFirefox, firefoxPreferences } from './firefox.ts'
import type { HidingBrowser, HidingTab } from './hiding-windows.ts'

/** A first start from a cold disk took four seconds. */
const startWithinMs = 60_000
const answerWithinMs = 60_000

interface Reply {
  readonly type: 'success' | 'error' | 'event'
  readonly id?: number | null
  readonly method?: string
  readonly params?: { readonly level?: string; readonly text?: string; readonly type?: string }
  readonly result?: Record<string, unknown>
  readonly error?: string
  readonly message?: string
}

interface Place {
  readonly type: 'window' | 'tab'
  /** The visitor. */
  readonly userContext: unknown
  readonly referenceContext?: string
}

export interface FirefoxOptions {
  /** DNS names that stand for this machine. */
  readonly localNames?: readonly string[]
  /** Take certificates that no known authority signed. */
  readonly acceptInsecureCerts?: boolean
}

export class Firefox implements HidingBrowser {
  readonly #process: ChildProcess
  readonly #socket: WebSocket
  readonly #profile: string
  readonly #waiting = new Map<number, (reply: Reply) => void>()
  #ids = 0
  readonly complaints: string[] = []
  readonly consoleErrors: string[] = []

  /** Rejects with what Firefox said if it does not start. For tests it takes certificates of no authority, and resolves names to this machine. */
  static async launch(path: string, { localNames = [], acceptInsecureCerts = false }: FirefoxOptions = {}): Promise<Firefox> {
    const profile = await mkdtemp(join(tmpdir(), 'p2p-pool-firefox-'))
    const all = { ...firefoxPreferences, 'network.dns.localDomains': localNames.join() }
    const lines = Object.entries(all).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`)
    await writeFile(join(profile, 'user.js'), `${lines.join('\n')}\n`)
    const flags = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0']
    const started = spawn(path, flags, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: profile } })
    process.once('exit', () => started.kill('SIGKILL'))
    const url = await new Promise<string>((resolve, reject) => {
      let said = ''
      const failed = (why: string) => reject(new Error(`Firefox ${why}: ${said.trim().slice(-2_000)}`))
      const timer = setTimeout(() => failed('did not answer in time'), startWithinMs)
      started.once('error', reject)
      started.once('exit', () => failed('ended'))
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-10_000)
        const [, found] = /WebDriver BiDi listening on (ws:\S+)/.exec(said) ?? []
        if (found === undefined) return
        clearTimeout(timer)
        resolve(found)
      })
    })
    const socket = new WebSocket(`${url}/session`)
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    const browser = new Firefox(started, { socket, profile })
    await browser.send('session.new', { capabilities: { alwaysMatch: { acceptInsecureCerts } } })
    await browser.send('session.subscribe', { events: ['log.entryAdded'] })
    return browser
  }

  private constructor(started: ChildProcess, { socket, profile }: { socket: WebSocket; profile: string }) {
    this.#process = started
    this.#socket = socket
    this.#profile = profile
    socket.on('message', (data) => this.#heard(JSON.parse(String(data)) as Reply))
  }

  async open(url: string): Promise<FirefoxTab> {
    const { userContext } = await this.send('browser.createUserContext')
    return this.#openPage(url, { type: 'window', userContext })
  }

  /** Another page of the visitor, before the others of their window. */
  async openTab(url: string, beside: { readonly context: string; readonly userContext: string }): Promise<FirefoxTab> {
    return this.#openPage(url, { type: 'tab', userContext: beside.userContext, referenceContext: beside.context })
  }

  async #openPage(url: string, place: Place): Promise<FirefoxTab> {
    const { context } = await this.send('browsingContext.create', place)
    await this.send('browsingContext.navigate', { context, url, wait: 'interactive' })
    return new FirefoxTab(this, { context: String(context), userContext: String(place.userContext) })
  }

  send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const id = ++this.#ids
      const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), answerWithinMs)
      this.#waiting.set(id, ({ type, result = {}, error, message }) => {
        clearTimeout(timer)
        if (type === 'success') resolve(result)
        else reject(new Error(`${method}: ${error}: ${message}`))
      })
      this.#socket.send(JSON.stringify({ id, method, params }))
    })
  }

  #heard(reply: Reply): void {
    const { level, text = '', type } = reply.params ?? {}
    const isThrown = reply.method === 'log.entryAdded' && type === 'javascript' && level === 'error'
    if (isThrown && failedInFirefox.test(text)) this.consoleErrors.push(text)
    else if (isThrown && !endedInFirefox.test(text)) this.complaints.push(text)
    else if (reply.method === 'log.entryAdded' && (level === 'error' || level === 'warn')) this.consoleErrors.push(`${level}: ${text}`)
    if (reply.id == null) return
    this.#waiting.get(reply.id)?.(reply)
    this.#waiting.delete(reply.id)
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#socket.close()
    this.#process.kill('SIGKILL')
    await ended
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

class FirefoxTab implements HidingTab {
  readonly #browser: Firefox
  readonly #ids: { readonly context: string; readonly userContext: string }
  #cover: FirefoxTab | undefined

  constructor(browser: Firefox, ids: { context: string; userContext: string }) {
    this.#browser = browser
    this.#ids = ids
  }

  async evaluate<Args extends readonly unknown[], Result>(run: (...args: Args) => Result, ...args: Args): Promise<Awaited<Result>> {
    const expression = `(async () => JSON.stringify({ value: await (${run})(...${JSON.stringify(args)}) }))()`
    const target = { context: this.#ids.context }
    const answer = await this.#browser.send('script.evaluate', { expression, target, awaitPromise: true })
    const { result, exceptionDetails } = answer as { result?: { value: string }; exceptionDetails?: { text: string } }
    if (result === undefined) throw new Error(`in the page: ${exceptionDetails?.text}`)
    return (JSON.parse(result.value) as { value: Awaited<Result> }).value
  }

  openBeside(url: string): Promise<FirefoxTab> {
    return this.#browser.openTab(url, this.#ids)
  }

  async hide(): Promise<void> {
    if (this.#cover === undefined) this.#cover = await this.openBeside('about:blank')
    await this.#cover.show()
  }

  async show(): Promise<void> {
    await this.#browser.send('browsingContext.activate', { context: this.#ids.context })
  }

  async leaveFor(url: string): Promise<void> {
    await this.#browser.send('browsingContext.navigate', { context: this.#ids.context, url, wait: 'none' })
  }

  async goBack(): Promise<void> {
    await this.#browser.send('browsingContext.traverseHistory', { context: this.#ids.context, delta: -1 })
  }

  async reload(): Promise<void> {
    await this.#browser.send('browsingContext.reload', { context: this.#ids.context, wait: 'none' })
  }

  async setOffline(offline: boolean): Promise<void> {
    const networkConditions = offline ? { type: 'offline' } : null
    await this.#browser.send('emulation.setNetworkConditions', { networkConditions, contexts: [this.#ids.context] })
  }

  async leave(): Promise<void> {
    await this.#browser.send('browser.removeUserContext', { userContext: this.#ids.userContext })
  }
}
