/** Opens a built page in Chromium and waits until it and the README's Node peer have heard from each other. */
import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import type { LongStep } from '../steps.ts'

const connectMs = 30_000
const peerId = '12D3KooW[1-9A-HJ-NP-Za-km-z]{44}'

export interface Visit {
  /** Of all scripts that the page loaded until it had its answer, gzipped. */
  readonly scriptBytes: number
}

/** Rejects with what the page said if no answer comes, or if something in the page fails. */
export async function visit(browser: Browser, url: string, peer: LongStep): Promise<Visit> {
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    const said: string[] = []
    const faults: string[] = []
    const scripts: Promise<Buffer>[] = []
    const answered = Promise.withResolvers<void>()
    page.on('console', (message) => {
      said.push(message.text())
      if (/^12D3KooW\w+ says hello, page$/.test(message.text())) answered.resolve()
      if (message.type() === 'error') faults.push(message.text())
    })
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('requestfailed', (request) => faults.push(`${request.url()} failed: ${request.failure()?.errorText}`))
    page.on('response', (response) => {
      if (response.request().resourceType() === 'script') scripts.push(response.body())
    })
    await page.goto(url, { timeout: connectMs })
    const timer = setTimeout(() => answered.reject(new Error(`no answer within ${connectMs / 1_000} s`)), connectMs)
    try {
      await answered.promise
    } catch (error) {
      throw new Error([error instanceof Error ? error.message : error, ...said, ...faults].join('\n  '), { cause: error })
    } finally {
      clearTimeout(timer)
    }
    const { active, id } = await page.evaluate(() => {
      const snapshot = (globalThis as unknown as { pool: { snapshot(): { active: number; peerId: string } } }).pool.snapshot()
      return { active: snapshot.active, id: snapshot.peerId }
    })
    if (active < 1) throw new Error('the page had an answer, but its pool has no running connection')
    if (!new RegExp(`^${peerId}$`).test(id)) throw new Error(`expected a peer id, got ${id}`)
    await peer.find(new RegExp(`^${id} says hello$`, 'm'))
    if (faults.length > 0) throw new Error(`something failed in the page:\n  ${faults.join('\n  ')}`)
    const bodies = await Promise.all(scripts)
    return { scriptBytes: bodies.reduce((sum, body) => sum + gzipSync(body, { level: 9 }).length, 0) }
  } finally {
    await context.close()
  }
}
