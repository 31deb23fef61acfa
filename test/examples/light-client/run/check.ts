/**
 * `npm run example:light-client -- --check`: five honest peers and two liars, a page in a real Chromium, and a line for each fact of
 * what becomes of them. Called by `cli.ts`. What is shown at each moment is compared by the test of the whole, too.
 */
import type { Page } from 'playwright-core'
import type { Hash } from '../../../../examples/light-client/chain/header.ts'
import { eventually, expectThat, Facts, seconds } from '../../../../node/cli/demo-facts.ts'
import type { Shutdown } from '../../../../node/cli/demo-shutdown.ts'
import type { PeerId } from '../../../../node/index.ts'
import { openPage } from './browser.ts'
import { type Example, startExample } from './start-example.ts'

/** From its first lie on a liar may stay so long. */
const goneWithinMs = 10_000
const deadlineMs = 90_000

export interface CheckOptions {
  readonly port: number
  readonly shutdown: Shutdown
  write(line: string): void
  log(line: string): void
}

/** Resolves with the exit status; what runs then is stopped by the caller. */
export async function checkExample({ port, shutdown, write, log }: CheckOptions): Promise<number> {
  const facts = new Facts({ write, isOver: () => shutdown.isRequested })
  const tooLate = `it took longer than ${deadlineMs / 1_000} s, so it is given up`
  setTimeout(() => shutdown.request({ status: 1, message: tooLate }), deadlineMs).unref()
  let example: Example | undefined
  await facts.holds('five honest Node peers and two liars run', async () => {
    example = await startExample({ port, shutdown, honestForMs: 2_500 })
    return example.url
  })
  if (example !== undefined) await checkPage(example, facts, await openPage({ shutdown, log }))
  if (shutdown.isRequested) return 1
  const { held, failed } = facts
  write(failed === 0 ? `All ${held} facts hold.` : `${failed} of ${held + failed} facts do not hold.`)
  return failed === 0 ? 0 : 1
}

async function checkPage({ network, url }: Example, facts: Facts, page: Page): Promise<void> {
  const { honest, liars } = network
  const goneAt = new Map<PeerId, number>()
  let pageId: PeerId | undefined
  for (const { pool } of liars) {
    pool.addEventListener('connection-lost', ({ detail, at }) => {
      if (detail.ending.reason.kind === 'fault') goneAt.set(pool.peerId, at)
    })
  }
  const connected = (): Promise<readonly string[]> =>
    page.evaluate(() => globalThis.lightClient?.pool.connections.list().map(({ peerId }) => peerId) ?? [])
  const isHonestHead = (hash: Hash): boolean => honest.some(({ tree }) => tree.get(hash) !== undefined)

  await facts.holds('the page verifies the chain from its first header on and is at the head', async () => {
    await page.addInitScript(keepHeads)
    await page.goto(url)
    await page.locator('body[data-phase="following"]').waitFor()
    pageId = await page.evaluate(() => globalThis.lightClient?.pool.peerId)
    return `height ${await page.getByTestId('head-height').textContent()}`
  })
  for (const { name, pool, firstLies } of liars) {
    await facts.holds(`${name} is proven wrong and gone within ${goneWithinMs / 1_000} s of its first lie`, async () => {
      const at = await eventually(() => goneAt.get(pool.peerId), { expected: 'the liar to be cut off' })
      const tookMs = at - (pageId === undefined ? Number.NaN : (firstLies.get(pageId) ?? Number.NaN))
      expectThat(tookMs < goneWithinMs, { expected: `less than ${goneWithinMs} ms`, seen: tookMs })
      const proof = await page.locator(`#lies .lie[data-peer="${pool.peerId}"] .lie-name`).textContent()
      return `${proof?.toLowerCase()}; gone after ${seconds(tookMs)} s`
    })
  }
  await facts.holds('both are greylisted, and the honest ones have taken their places', async () => {
    const greylisted = await page.evaluate(() => globalThis.lightClient?.pool.snapshot().greylistedPeers ?? [])
    expectThat(
      isSame(
        greylisted,
        liars.map(({ pool }) => pool.peerId)
      ),
      { expected: 'both liars', seen: greylisted }
    )
    const wanted = honest.map(({ pool }) => pool.peerId)
    await eventually(async () => (isSame(await connected(), wanted) ? true : undefined), { expected: 'all five', seen: connected })
    return undefined
  })
  await facts.holds('the page goes on: it shows a header that was made afterwards', async () => {
    honest[0]?.makeHeader()
    const { height } = honest[0]?.tree.head.header ?? { height: Number.POSITIVE_INFINITY }
    await page.waitForFunction((least) => Number(document.getElementById('head-card')?.dataset.height) >= least, height)
    return `height ${height}`
  })
  await facts.holds('each head that it ever showed was made by honest peers', async () => {
    const heads = await page.evaluate(() => (globalThis as unknown as { heads: Hash[] }).heads)
    const wrong = heads.filter((hash) => !isHonestHead(hash))
    expectThat(wrong.length === 0 && heads.length > 0, { expected: 'heads of honest peers only', seen: wrong })
    return `${heads.length} heads`
  })
}

/** Runs in the page before anything else. */
function keepHeads(): void {
  const heads: string[] = []
  Object.assign(globalThis, { heads })
  document.addEventListener('DOMContentLoaded', () => {
    const card = document.getElementById('head-card')
    if (card === null) return
    const note = (): void => void heads.push(card.dataset.head ?? '')
    new MutationObserver(note).observe(card, { attributeFilter: ['data-head'] })
  })
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return [...a].sort().join() === [...b].sort().join()
}
