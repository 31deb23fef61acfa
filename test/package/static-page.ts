/**
 * The guide's page without a bundler, on a plain web server with a strict content security policy, in Chromium: does it connect with a Node peer?
 * Used by consumer.test.ts.
 */
import { createHash } from 'node:crypto'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { chromiumFlags, findChromium } from '../../node/cli/chromium.ts'
import { createNodePeer } from '../../node/index.ts'
import { serveFolder } from './static-server.ts'

const connectMs = 15_000

export interface StaticPage {
  /** A folder to fill. */
  readonly folder: string
  readonly bundle: string
  /** Markdown with the example: a block of html. */
  readonly guide: string
}

export interface StaticVisit {
  /** The peers that the page says it is connected with, and the one that it should be connected with. */
  readonly connected: readonly string[]
  readonly expected: string
  /** Errors of the page and what its policy refused. */
  readonly faults: readonly string[]
}

export async function visitStaticPage({ folder, bundle, guide }: StaticPage): Promise<StaticVisit> {
  const { node, stop } = await createNodePeer({ network: 'example-net', listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
  try {
    const [, example = ''] = /^```html\n(.*?)^```$/ms.exec(guide) ?? []
    const html = example.replace(/\/dns4\/[^']*/, String(node.getMultiaddrs()[0]))
    const [, script = ''] = /<script type="module">(.*)<\/script>/s.exec(html) ?? []
    await mkdir(folder)
    await copyFile(bundle, join(folder, 'web.bundle.js'))
    await writeFile(join(folder, 'index.html'), `<!doctype html><link rel="icon" href="data:,">${html}`)
    const hash = createHash('sha256').update(script).digest('base64')
    const policy = `default-src 'none'; img-src data:; script-src 'self' 'sha256-${hash}'; connect-src ws://127.0.0.1:*; require-trusted-types-for 'script'`
    const server = await serveFolder(folder, { 'content-security-policy': policy })
    try {
      return { ...(await open(server.url)), expected: node.peerId.toString() }
    } finally {
      await server.close()
    }
  } finally {
    await stop()
  }
}

async function open(url: string): Promise<Pick<StaticVisit, 'connected' | 'faults'>> {
  const { path: executablePath } = await findChromium()
  const browser = await chromium.launch({ ...(executablePath === undefined ? {} : { executablePath }), args: [...chromiumFlags] })
  try {
    const page = await browser.newPage()
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })
    const said = page.waitForEvent('console', { predicate: (message) => message.text().startsWith('connected with '), timeout: connectMs })
    await page.goto(url, { timeout: connectMs })
    const message = await said.catch((error: unknown) => {
      throw new Error(`the page did not connect: ${faults.join('; ')}`, { cause: error })
    })
    return { connected: [message.text().slice('connected with '.length)], faults }
  } finally {
    await browser.close()
  }
}
