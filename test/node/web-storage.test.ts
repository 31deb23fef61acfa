/**
 * A page whose storage fails for real: Chromium itself refuses space, throws the data away, or (the one thing it cannot be
 * asked to do) never answers. What goes wrong inside a database is put in by test/browser/storage-faults.test.ts.
 */
import type { Server } from 'node:http'
import { type CDPSession, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromiumFlags, findChromium } from '../../node/cli/chromium.ts'
import type { PeerId } from '../../node/index.ts'
import { addressOf, bundlePage, eventually, servePage } from './pages.ts'
import type { SharedTab } from './shared-pool-page.ts'

declare const tab: SharedTab

const before = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId
const meanwhile = '12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust' as PeerId

describe('a page', () => {
  let server: Server
  let browser: Awaited<ReturnType<typeof chromium.launch>>
  const complaints: string[] = []

  beforeAll(async () => {
    const { path } = await findChromium()
    ;[server, browser] = await Promise.all([
      servePage(await bundlePage('shared-pool-page.ts')),
      chromium.launch({ ...(path === undefined ? {} : { executablePath: path }), args: [...chromiumFlags] })
    ])
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
    expect(complaints).toEqual([])
  })

  const newPage = async (): Promise<Page> => {
    const page = await (await browser.newContext()).newPage()
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.exposeFunction('roleTold', () => undefined)
    await page.goto(addressOf(server))
    return page
  }
  /** Resolves with how long it took, ms. */
  const open = (page: Page): Promise<number> =>
    page.evaluate(async () => {
      const since = performance.now()
      await tab.open({ network: 'storage-test', minConnections: 0, expectedConnections: 0, listen: [] })
      return performance.now() - since
    })
  const ban = (page: Page, peerId: PeerId): Promise<void> => page.evaluate((id) => tab.shared.peers.ban(id), peerId)
  const viewOf = (page: Page): Promise<ReturnType<SharedTab['view']>> => page.evaluate(() => tab.view())
  const becomes = (page: Page, told: readonly string[]): Promise<void> =>
    eventually(async () => expect(await page.evaluate(() => tab.stored)).toEqual(told), 20_000)
  /** A reload finds the same peer, with these bans. */
  const keeps = async (page: Page, { peerId, bans }: { peerId: PeerId; bans: readonly PeerId[] }): Promise<void> => {
    await page.reload()
    await open(page)
    const view = await viewOf(page)
    expect({ peerId: view.peerId, bans: [...view.bannedPeers].sort() }).toEqual({ peerId, bans: [...bans].sort() })
    expect(await page.evaluate(() => tab.shared.identity)).toEqual({ persistent: true, notice: undefined })
  }
  const firstVisit = async (): Promise<{ page: Page; peerId: PeerId; session: CDPSession; origin: string }> => {
    const page = await newPage()
    await open(page)
    await ban(page, before)
    const { peerId } = await viewOf(page)
    return { page, peerId, session: await page.context().newCDPSession(page), origin: new URL(addressOf(server)).origin }
  }

  test.concurrent('whose browser never opens a database runs within two seconds, and keeps its identity when it does', async () => {
    const page = await newPage()
    await page.evaluate(() => {
      const { open: real } = IDBFactory.prototype
      IDBFactory.prototype.open = () => new EventTarget() as IDBOpenDBRequest
      Object.assign(globalThis, { repair: () => Object.assign(IDBFactory.prototype, { open: real }) })
    })
    expect(await open(page)).toBeLessThan(2_500)
    const { peerId } = await viewOf(page)
    expect(await page.evaluate(() => tab.shared.identity)).toMatchObject({ persistent: false })
    await ban(page, meanwhile)
    await page.evaluate('repair()')
    await becomes(page, ['recovered'])
    await eventually(async () => expect(await page.evaluate(() => tab.shared.identity?.persistent)).toBe(true))
    await keeps(page, { peerId, bans: [meanwhile] })
  }, 60_000)

  test.concurrent('without any storage hands identity, bans and trust to the next tab all the same', async () => {
    const first = await newPage()
    await first.context().addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('not here', 'SecurityError')
      }
    })
    await first.reload()
    await open(first)
    const second = await first.context().newPage()
    await second.exposeFunction('roleTold', () => undefined)
    await second.goto(addressOf(server))
    await open(second)
    const { peerId } = await viewOf(first)
    await second.evaluate(([id]) => tab.shared.peers.ban(id, { endsAt: 4_000_000_000_000 }), [before] as const)
    await second.evaluate(([id]) => tab.shared.peers.trust(id), [meanwhile] as const)
    await second.evaluate(() => tab.shared.points.banRange('192.0.2.0/24'))
    await eventually(async () => expect(await viewOf(second)).toMatchObject({ bannedPeers: [before], trusted: [meanwhile] }))
    const blocks = await second.evaluate(() => tab.shared.snapshot()?.blocks)
    expect(blocks).toMatchObject([{ peerId: before, endsAt: 4_000_000_000_000 }, { host: '192.0.2.0/24' }])
    await first.close()
    await eventually(async () => {
      const expected = { role: 'owner', peerId, bannedPeers: [before], trusted: [meanwhile] }
      expect(await viewOf(second)).toMatchObject(expected)
    }, 5_000)
    const inherited = (await second.evaluate(() => tab.shared.snapshot()?.blocks)) ?? []
    expect(inherited.map(({ since, ...block }) => block)).toEqual((blocks ?? []).map(({ since, ...block }) => block))
  }, 60_000)

  test.concurrent('without space says so once, and saves when there is space again', async () => {
    const page = await newPage()
    const session = await page.context().newCDPSession(page)
    const { origin } = new URL(addressOf(server))
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 500_000 })
    await open(page)
    await ban(page, before)
    const { peerId } = await viewOf(page)
    await page.evaluate(fillStorage)
    await ban(page, meanwhile)
    await becomes(page, ['failed full'])
    expect((await viewOf(page)).bannedPeers).toContain(meanwhile)
    await session.send('Storage.overrideQuotaForOrigin', { origin })
    await becomes(page, ['failed full', 'recovered'])
    await keeps(page, { peerId, bans: [before, meanwhile] })
  }, 60_000)

  test.concurrent('whose data the browser throws away writes all of it again, identity included', async () => {
    const { page, peerId, session, origin } = await firstVisit()
    await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' })
    await becomes(page, ['failed unavailable', 'recovered'])
    await passed(500)
    await keeps(page, { peerId, bans: [before] })
  }, 60_000)

  test.concurrent('whose database another page deletes and upgrades goes on, too', async () => {
    const { page, peerId } = await firstVisit()
    const other = await page.context().newPage()
    await other.goto(addressOf(server))
    await other.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const deleted = indexedDB.deleteDatabase('p2p-pool:p2p-pool')
          deleted.onsuccess = resolve
          deleted.onblocked = reject
        })
    )
    await ban(page, meanwhile)
    await becomes(page, ['failed unavailable', 'recovered'])
    await other.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const upgraded = indexedDB.open('p2p-pool:p2p-pool', 9)
          upgraded.onsuccess = () => resolve(upgraded.result.close())
          upgraded.onerror = reject
          upgraded.onblocked = reject
        })
    )
    await becomes(page, ['failed unavailable', 'recovered', 'failed unavailable', 'recovered'])
    await keeps(page, { peerId, bans: [before, meanwhile] })
  }, 60_000)
})

/** Runs in a page: writes until the browser takes not even a line more. */
async function fillStorage(): Promise<void> {
  const asked = indexedDB.open('filling')
  asked.onupgradeneeded = () => asked.result.createObjectStore('lines', { autoIncrement: true })
  const database = await new Promise<IDBDatabase>((resolve) => {
    asked.onsuccess = () => resolve(asked.result)
  })
  const isTaken = (size: number) =>
    new Promise<boolean>((resolve) => {
      const transaction = database.transaction('lines', 'readwrite')
      transaction.objectStore('lines').put('x'.repeat(size))
      transaction.oncomplete = () => resolve(true)
      transaction.onabort = () => resolve(false)
    })
  for (const size of [100_000, 10_000, 1_000, 100]) while (await isTaken(size));
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
