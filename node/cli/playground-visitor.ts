/** One visitor of the playground in a browser that a command drives: what is pressed and read there, and what went wrong. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { eventually } from './demo-facts.ts'

/** A second of a thousand pools takes seconds on a busy machine. */
const stepWithinMs = 240_000

/** What the page says of a run. */
export interface Run {
  /** `pools=20&acts=…`: the part of the address after `#`. */
  readonly world: string
  readonly seconds: number
  /** The sentence of figures at the end of the page. */
  readonly story: string
  /** Sixteen hexadecimal digits. */
  readonly hash: string
}

export class PlaygroundVisitor {
  readonly page: Page
  /** Of all requests. */
  readonly urls: string[] = []
  readonly problems: string[] = []

  constructor(page: Page) {
    this.page = page
    page.on('request', (request) => this.urls.push(request.url()))
    page.on('requestfailed', (request) => this.problems.push(`${request.url()}: ${request.failure()?.errorText}`))
    page.on('pageerror', (error) => this.problems.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.problems.push(message.text())
    })
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<PlaygroundVisitor> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, ...options })
    const visitor = new PlaygroundVisitor(await context.newPage())
    await visitor.page.goto(url)
    return visitor
  }

  async close(): Promise<void> {
    await this.page.context().close()
  }

  text(id: string): Promise<string> {
    return this.page.locator(`#${id}`).innerText()
  }

  /** Virtual seconds that the last figures are of; 0 before the first. */
  async seconds(): Promise<number> {
    return Number.parseInt((await this.page.textContent('#story')) ?? '', 10) || 0
  }

  /** 0: as fast as it can. */
  async setSpeed(times: 0 | 1 | 10 | 60): Promise<void> {
    await this.page.click(`[data-speed="${times}"]`)
  }

  /** Moves a slider as a hand does: one value after the other, the last one stays. */
  async slide(name: string, value: number): Promise<void> {
    await this.page.locator(`#settings input[name="${name}"]`).fill(String(value))
  }

  /** Waits until the world is so old, stops it there, and reads its figures. */
  async runTo(seconds: number, withinMs = stepWithinMs): Promise<Run> {
    await eventually(async () => (await this.seconds()) >= seconds || undefined, {
      withinMs,
      expected: `${seconds} s of the world`,
      seen: async () => ({ seconds: await this.seconds(), problem: await this.page.textContent('#problem') })
    })
    await this.pause()
    return this.read()
  }

  /** Returns how long it took until the worker said that it stands, ms. */
  async pause(): Promise<number> {
    const from = performance.now()
    if ((await this.text('pause')) === 'Pause') await this.page.click('#pause')
    await eventually(async () => (await this.text('life')) === 'Paused' || undefined, { expected: 'it to stand still' })
    return performance.now() - from
  }

  async read(): Promise<Run> {
    const story = (await this.page.textContent('#story')) ?? ''
    const hash = /event log ([0-9a-f]{16})\.$/.exec(story)?.[1] ?? ''
    return { world: new URL(this.page.url()).hash.slice(1), seconds: Number.parseInt(story, 10), story, hash }
  }
}
