/** Real Chromium pages in the namespaces of a world. One browser for each, which makes a profile of its own for each page. */
import { writeFileSync } from 'node:fs'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { chromiumFlags } from '../../../node/cli/chromium.ts'
import type { LabPage } from '../page.ts'
import { certificateKey } from './servers.ts'
import { type Site, scratch } from './world.ts'

/** Whatever waits for more in a page ends by itself before. */
const answerWithinMs = 90_000
/** Counts as secure, which the page's keys need. Playwright answers it: nothing listens there. */
const address = 'http://localhost/'
const document = '<!doctype html><title>p2p-pool lab</title><script type="module" src="/page.js"></script>'

/** Notes what the page's WebRTC makes, to ask it for its candidates. */
const noteConnections = `
  globalThis.madeConnections = []
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) {
      super(...args)
      madeConnections.push(this)
    }
  }`

/** What the parent found and made before the namespaces were there. */
export interface PageParts {
  readonly chromium: string
  /** The code of the page. */
  readonly script: string
}

/** The functions of `page.ts`, called from outside. */
export type RemotePage = {
  readonly [K in keyof LabPage]: (...args: Parameters<LabPage[K]>) => Promise<Awaited<ReturnType<LabPage[K]>>>
}

export interface OpenPage {
  readonly ask: RemotePage
  /** What the page wrote to its console as errors, or threw. */
  readonly complaints: readonly string[]
  close(): Promise<void>
}

export class Pages {
  readonly #parts: PageParts
  readonly #browsers = new Map<string, Promise<Browser>>()

  constructor(parts: PageParts) {
    this.#parts = parts
  }

  async open(site: Site): Promise<OpenPage> {
    const browser = await this.#browserAt(site)
    const context = await browser.newContext()
    await context.addInitScript(noteConnections)
    await this.#serve(context)
    const page = await context.newPage()
    page.setDefaultTimeout(answerWithinMs)
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    await page.goto(address)
    return { ask: remote(page), complaints, close: () => context.close() }
  }

  /** Ends the browser of a site; its next page starts another. */
  async leave(site: Site): Promise<void> {
    const browser = this.#browsers.get(site.name)
    this.#browsers.delete(site.name)
    await (await browser)?.close()
  }

  #browserAt(site: Site): Promise<Browser> {
    const known = this.#browsers.get(site.name)
    if (known !== undefined) return known
    const starter = `${scratch}/chromium-${site.name}.sh`
    writeFileSync(starter, `#!/bin/sh\nexec ${[...(site.place.command ?? []), this.#parts.chromium].join(' ')} "$@"\n`, { mode: 0o755 })
    const args = [...chromiumFlags, `--ignore-certificate-errors-spki-list=${certificateKey}`]
    const browser = chromium.launch({ executablePath: starter, args })
    this.#browsers.set(site.name, browser)
    return browser
  }

  async #serve(context: BrowserContext): Promise<void> {
    await context.route(`${address}**`, (route) =>
      route.request().url().endsWith('/page.js')
        ? route.fulfill({ contentType: 'text/javascript', body: this.#parts.script })
        : route.fulfill({ contentType: 'text/html', body: document })
    )
  }
}

function remote(page: Page): RemotePage {
  const call = (name: string, args: readonly unknown[]): Promise<unknown> =>
    page.evaluate(
      ([verb, given]) =>
        (globalThis as unknown as { page: Record<string, (...all: readonly unknown[]) => unknown> }).page[verb]?.(...given),
      [name, args] as const
    )
  return new Proxy(
    {},
    {
      // Not a promise: a page may be awaited.
      get: (_, name) => (typeof name === 'string' && name !== 'then' ? (...args: readonly unknown[]) => call(name, args) : undefined)
    }
  ) as RemotePage
}
