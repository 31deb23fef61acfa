/**
 * The example as a whole: seven real Node peers, the page as it is built for people, a real Chromium. What the page shows is read
 * from the page, whenever it changes, and compared with what the honest peers have.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hash, parseHash } from '../../../../examples/light-client/chain/header.ts'
import type { Entry } from '../../../../examples/light-client/chain/header-tree.ts'
import type { HeaderPeer } from '../../../../examples/light-client/node/header-peer.ts'
import { chromiumFlags, findChromium } from '../../../../node/cli/chromium.ts'
import { Shutdown } from '../../../../node/cli/demo-shutdown.ts'
import type { PeerId } from '../../../../node/index.ts'
import { type Example, startExample } from '../run/start-example.ts'

const pageDeadlineMs = 20_000
/** A page on a busy machine: from a header made to the header shown. */
const maxLagMs = 5_000
/** There an honest peer may be left as silent too, and is dialed again when a minute has passed. */
const allBackMs = 75_000
const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** What the page showed at some moment, as texts. */
interface Seen {
  readonly at: number
  readonly hash: string
  readonly height: string
  readonly work: string
  readonly phase: string
}

describe('the light client in a page', () => {
  const shutdown = new Shutdown()
  const complaints: string[] = []
  const contexts: BrowserContext[] = []
  /** The most work that every honest peer had at some moment. */
  const honestWork: { readonly at: number; readonly work: bigint }[] = []
  const goneAt = new Map<HeaderPeer, number>()
  let example: Example
  let browser: Awaited<ReturnType<typeof chromium.launch>>
  let page: Page
  let sampling: ReturnType<typeof setInterval>

  const open = async (options: Parameters<typeof browser.newContext>[0] = {}): Promise<Page> => {
    const context = await browser.newContext(options)
    contexts.push(context)
    context.setDefaultTimeout(pageDeadlineMs)
    const opened = await context.newPage()
    opened.on('pageerror', (error) => complaints.push(String(error)))
    await opened.addInitScript(noteWhatIsShown)
    return opened
  }

  beforeAll(async () => {
    const { path } = await findChromium()
    ;[example, browser] = await Promise.all([
      startExample({ port: 0, shutdown, honestForMs: 2_500 }),
      chromium.launch({ ...(path === undefined ? {} : { executablePath: path }), args: [...chromiumFlags] })
    ])
    const { honest, liars } = example.network
    sampling = setInterval(() => {
      honestWork.push({ at: Date.now(), work: honest.map(({ tree }) => tree.head.totalWork).reduce((a, b) => (a < b ? a : b)) })
    }, 50)
    for (const liar of liars) {
      liar.pool.addEventListener('connection-lost', ({ detail: { peerId }, at }) => {
        if (liar.firstLies.has(peerId)) goneAt.set(liar, at)
      })
    }
    page = await open()
    await page.goto(example.url)
  }, 120_000)

  afterAll(async () => {
    clearInterval(sampling)
    await Promise.all(contexts.map((context) => context.close()))
    await browser?.close()
    expect(await shutdown.stopAll()).toEqual([])
    expect(complaints).toEqual([])
  })

  const seen = (): Promise<Seen[]> => page.evaluate(() => (globalThis as unknown as { seen: Seen[] }).seen)
  const honestEntry = (hash: Hash): Entry | undefined =>
    example.network.honest.map(({ tree }) => tree.get(hash)).find((entry) => entry !== undefined)

  /** Every head that was shown so far was made by honest peers, is shown with its true height and work, and is no step back. */
  const expectAllTrue = async (): Promise<readonly Seen[]> => {
    const all = await seen()
    let before = -1n
    let atHead = false
    for (const { at, hash, height, work, phase } of all) {
      const entry = honestEntry(parseHash(hash))
      expect(entry, `shown at ${at}: ${hash}`).toBeDefined()
      expect([height, work]).toEqual([entry?.header.height.toLocaleString('en'), entry?.totalWork.toLocaleString('en')])
      const total = entry?.totalWork ?? 0n
      expect(total).toBeGreaterThanOrEqual(before)
      before = total
      atHead ||= phase === 'following'
      const due = honestWork.findLast((sample) => sample.at <= at - maxLagMs)?.work ?? 0n
      if (atHead) expect(total, `shown at ${at}, ${maxLagMs} ms behind`).toBeGreaterThanOrEqual(due)
    }
    return all
  }

  test('with five honest peers and two liars the head shown is always right, and each liar is gone within 10 s of its first lie', async () => {
    const { honest, liars } = example.network
    await page
      .waitForFunction(() => document.querySelectorAll('#lies .lie').length === 2)
      .catch(async (cause) => {
        throw new Error(`two lies were to be shown; the page shows:\n${await page.locator('main').innerText()}`, { cause })
      })
    const provenAt = (await seen()).length
    // And it goes on with the others.
    await page.waitForFunction((count) => {
      const { seen: all } = globalThis as unknown as { seen: Seen[] }
      return all.length >= count + 2 && all.at(-1)?.phase === 'following'
    }, provenAt)

    await expectAllTrue()
    const kinds = await page.locator('#lies .lie').evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset.kind))
    expect(kinds.sort()).toEqual(['withheld', 'work'])

    const pageId = await page.evaluate(() => globalThis.lightClient?.pool.peerId as PeerId)
    for (const liar of liars) {
      const lied = liar.firstLies.get(pageId) ?? Number.NaN
      // The page knows before the liar does.
      await expect.poll(() => goneAt.has(liar), { timeout: pageDeadlineMs }).toBe(true)
      expect((goneAt.get(liar) ?? Number.NaN) - lied, liar.name).toBeLessThan(10_000)
    }
    const liarIds = liars.map(({ pool }) => pool.peerId).sort()
    expect(await page.evaluate(() => [...(globalThis.lightClient?.pool.snapshot().greylistedPeers ?? [])].sort())).toEqual(liarIds)
    // Others took their places.
    const connected = () =>
      page.evaluate(() => (globalThis.lightClient?.pool.connections.list() ?? []).map(({ peerId }) => peerId as string).sort())
    await expect.poll(connected, { timeout: allBackMs }).toEqual(honest.map(({ pool }) => pool.peerId as string).sort())
    const rows = await page
      .locator('#peer-rows tr[data-verdict="lied"]')
      .evaluateAll((all) => all.map((row) => (row as HTMLElement).dataset.peer))
    expect(rows.sort()).toEqual(liarIds)
  }, 150_000)

  test('a silent peer and a slow one are switched for another, and the head does not wait for them', async () => {
    for (const [number, answerDelayMs] of [
      [1, Number.POSITIVE_INFINITY],
      [2, 1_500]
    ] as const) {
      const peer = example.network.honest[number]
      if (peer === undefined) throw new Error(`no honest peer ${number}`)
      const switched = page.locator(`#log [data-kind="switched"][data-peer="${peer.pool.peerId}"]`)
      const before = await switched.count()
      peer.answerDelayMs = answerDelayMs
      // Whoever makes a header tells of it first, and is asked for it; unless another one was quicker to pass it on.
      await expect
        .poll(
          async () => {
            peer.makeHeader()
            return switched.count()
          },
          { timeout: pageDeadlineMs, interval: 1_500 }
        )
        .toBeGreaterThan(before)
      const { height } = peer.tree.head.header
      await page.waitForFunction((least) => Number(document.getElementById('head-card')?.dataset.height) >= least, height)
      // Another peer may have made a header of that height, and then this one's head is soon another.
      const hasHead = (): Promise<boolean> =>
        page.evaluate((of) => globalThis.lightClient?.client.tree.get(of) !== undefined, peer.tree.head.hash)
      await expect.poll(hasHead, { timeout: pageDeadlineMs }).toBe(true)
      peer.answerDelayMs = 0
    }
    await expectAllTrue()
  }, 100_000)

  test.each([
    ['wide and light', { viewport: { width: 1_280, height: 900 }, colorScheme: 'light' }],
    ['a phone in the dark', { viewport: { width: 375, height: 800 }, colorScheme: 'dark' }]
  ] as const)('axe finds nothing wrong: %s', async (_name, { viewport, colorScheme }) => {
    await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    expect(await axeViolations(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
  })

  test('offline is said, and what is shown stays', async () => {
    const [shown] = (await seen()).slice(-1)
    await page.context().setOffline(true)
    await page.getByText('This device is offline.').waitFor()
    expect(await page.getByTestId('phase').textContent()).toBe('Offline')
    expect(Number(await page.getByTestId('head-card').getAttribute('data-height'))).toBeGreaterThanOrEqual(
      Number(shown?.height.replaceAll(',', ''))
    )
    expect(await axeViolations(page)).toEqual([])
    await page.context().setOffline(false)
    await page.getByText('This device is offline.').waitFor({ state: 'hidden' })
  })

  test('settings that do not come are said, and can be tried again; points where nobody is leave a page that says so', async () => {
    const other = await open({ reducedMotion: 'reduce' })
    let works = false
    await other.route('**/settings.json', (route) => {
      const nobody = { ...example.network.pageSettings, trustedPoints: ['/ip4/127.0.0.1/tcp/1/ws'], firstPoints: [] }
      return works ? route.fulfill({ json: nobody }) : route.fulfill({ status: 503, body: 'no' })
    })
    await other.goto(example.url)
    await other.getByText('expected the settings, the server answered 503').waitFor()
    expect(await axeViolations(other)).toEqual([])
    works = true
    await other.getByRole('button', { name: 'Try again' }).click()
    await other.getByText('Looking for peers…').waitFor()
    await expect.poll(() => other.getByTestId('head-height').textContent(), { timeout: pageDeadlineMs }).toBe('0')
    expect(await axeViolations(other)).toEqual([])
  }, 60_000)
})

/** Runs in the page before anything else: keeps what is shown each time it changes. */
function noteWhatIsShown(): void {
  const all: Seen[] = []
  Object.assign(globalThis, { seen: all })
  const note = (): void => {
    const text = (id: string): string => document.getElementById(id)?.textContent ?? ''
    all.push({
      at: Date.now(),
      hash: text('head-hash'),
      height: text('head-height'),
      work: text('head-work'),
      phase: document.body.dataset.phase ?? ''
    })
  }
  document.addEventListener('DOMContentLoaded', () => {
    const card = document.getElementById('head-card')
    if (card !== null)
      new MutationObserver(note).observe(card, { attributes: true, attributeFilter: ['data-head', 'data-height', 'data-work'] })
  })
}

async function axeViolations(where: Page): Promise<string[]> {
  // Not as a script element: the policy of the page refuses what its server does not serve.
  await where.evaluate(await readFile(axePath, 'utf8'))
  return where.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } }
    const { violations } = await axe.run()
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' ')}`)
  })
}
