/**
 * A pool shared by tabs, in a real browser: tabs of one profile, whose owner is closed, crashes, is frozen, leaves. A Node
 * peer sees what the network sees. Driven from Node, since a page cannot kill itself and tell.
 */
import type { Server } from 'node:http'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createNodePeer, type NodePeer, type PeerId, type Point, type PoolEvent, parsePeerId } from '../../node/index.ts'
import type { TabRole } from '../../web/index.ts'
import { inChromium, isThrown, launchBrowser } from '../support/browsers.ts'
import { addressOf, bundlePage, eventually, servePage } from './pages.ts'
import type { SharedTab } from './shared-pool-page.ts'

declare const tab: SharedTab

const takeOverMs = 5_000
const stranger = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId

describe('a pool shared by tabs', () => {
  let node: NodePeer
  let server: Server
  let browser: Browser
  let context: BrowserContext
  const complaints: string[] = []

  beforeAll(async () => {
    ;[node, server, browser] = await Promise.all([
      createNodePeer({
        network: 'tabs-test',
        listen: ['/ip4/127.0.0.1/tcp/0/ws'],
        inboundConnectionThreshold: 1_000,
        minConnections: 0,
        expectedConnections: 0
      }),
      servePage(await bundlePage('shared-pool-page.ts')),
      launchBrowser()
    ])
  }, 60_000)

  beforeEach(async () => {
    context = await browser.newContext()
  })

  afterEach(async () => {
    await context.close()
    expect(complaints.splice(0)).toEqual([])
  })

  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
    await node?.stop()
  })

  /** `roleTold` hears each change of the tab's role in the moment that it happens. */
  const openTab = async (name: string, roleTold: (role: TabRole) => void = () => undefined): Promise<Page> => {
    const page = await context.newPage()
    page.on('pageerror', (error) => isThrown(error) && complaints.push(String(error)))
    await page.exposeFunction('roleTold', roleTold)
    await page.goto(addressOf(server))
    await page.evaluate((init) => tab.open(init), initOf(name))
    return page
  }
  const initOf = (name: string) => {
    const [point] = node.pool.network.ownPoints()
    const trustedPoints = [`${point}/p2p/${node.pool.peerId}`]
    return { network: 'tabs-test', name, trustedPoints, minConnections: 1, expectedConnections: 1 }
  }
  const viewOf = (page: Page): Promise<ReturnType<SharedTab['view']>> => page.evaluate(() => tab.view())
  const becomesOwner = (page: Page, peerId: PeerId): Promise<void> =>
    eventually(async () => expect(await viewOf(page)).toMatchObject({ role: 'owner', peerId, active: 1 }), takeOverMs)
  const atNode = (): readonly PeerId[] => node.pool.connections.list().map(({ peerId }) => peerId)

  test('two tabs are one peer, and the second goes on when the first is closed', async () => {
    const [first, second] = [await openTab('two'), await openTab('two')]
    const before = await viewOf(first)
    expect(before).toMatchObject({ role: 'owner', hasOwner: true })
    expect(await viewOf(second)).toMatchObject({ role: 'follower', hasOwner: true, peerId: before.peerId })

    await second.evaluate((peerId) => tab.shared.peers.ban(peerId), stranger)
    expect((await viewOf(first)).bannedPeers).toEqual([stranger])
    expect((await viewOf(second)).bannedPeers).toEqual([stranger])

    await first.close()
    await becomesOwner(second, before.peerId)
    expect(await viewOf(second)).toMatchObject({ bannedPeers: [stranger] })
    expect(atNode()).toEqual([before.peerId])
  }, 60_000)

  /** Ways to lose an owner. A page that is closed or left says goodbye, one that crashes does not. */
  const goodbyes: readonly ((page: Page) => Promise<unknown>)[] = [
    (page) => page.close(),
    async (page) => {
      await page.goto('about:blank')
      await page.close()
    }
  ]
  const crashing = (order: (page: Page) => Promise<unknown>) => async (page: Page) => {
    const gone = page.waitForEvent('crash')
    order(page).catch(() => undefined)
    await gone
    await page.close()
  }
  const crashes: readonly ((page: Page) => Promise<unknown>)[] = [
    crashing((page) => page.goto('chrome://crash')),
    crashing(async (page) => (await context.newCDPSession(page)).send('Page.crash'))
  ]
  // Tabs of one site are one process of Firefox: none crashes alone.
  const kills = inChromium ? [...goodbyes, ...crashes] : goodbyes

  test('ten tabs: one owner, also when it is closed or killed again and again; nothing is lost, and the network sees one peer', async () => {
    // Each way twice.
    const rounds = 2 * kills.length
    const strangers = await Promise.all(Array.from({ length: 3 * rounds }, newPeerId))
    const seen = new Set<PeerId>()
    const noticed = ({ detail }: PoolEvent<'connection-opened'>) => seen.add(detail.peerId)
    node.pool.addEventListener('connection-opened', noticed)

    /** Owners at this moment; more than one is never. */
    const owners = new Set<Page>()
    const crowds: number[] = []
    const tabs: Page[] = []
    const open = async (): Promise<void> => {
      const page = await openTab('ten', (role) => {
        if (role === 'follower') owners.delete(page)
        else crowds.push(owners.add(page).size)
      })
      if ((await viewOf(page)).role === 'owner') owners.add(page)
      tabs.push(page)
    }
    for (let i = 0; i < 10; i++) await open()
    const { peerId } = await viewOf(tabs[0] as Page)
    const times: number[] = []
    for (let round = 0; round < rounds; round++) {
      const [owner, ...more] = [...owners] as [Page]
      expect(more).toEqual([])
      tabs.splice(tabs.indexOf(owner), 1)
      const follower = tabs[round % tabs.length] as Page
      const [banned, trusted, late] = strangers.slice(3 * round) as [PeerId, PeerId, PeerId]
      await follower.evaluate(([id]) => tab.shared.peers.ban(id), [banned] as const)
      await follower.evaluate(([id]) => tab.shared.peers.trust(id), [trusted] as const)

      // Requested in the moment that the owner dies: the next one is told.
      const requested = follower.evaluate(([id]) => tab.shared.peers.ban(id), [late] as const)
      const before = performance.now()
      owners.delete(owner)
      await (kills[round % kills.length] as (page: Page) => Promise<unknown>)(owner)
      await eventually(async () => {
        expect(owners.size).toBe(1)
        expect(await viewOf([...owners][0] as Page)).toMatchObject({ role: 'owner', peerId, active: 1 })
      })
      times.push(performance.now() - before)
      await Promise.all([requested, open()])
    }
    expect(Math.max(...times)).toBeLessThan(takeOverMs)
    expect(crowds).toEqual(Array.from({ length: rounds }, () => 1))
    const { bannedPeers, trusted } = await viewOf([...owners][0] as Page)
    expect(new Set(bannedPeers)).toEqual(new Set(strangers.filter((_, i) => i % 3 !== 1)))
    expect(new Set(trusted)).toEqual(new Set(strangers.filter((_, i) => i % 3 === 1)))
    node.pool.removeEventListener('connection-opened', noticed)
    expect([...seen]).toEqual([peerId])
  }, 120_000)

  test('an owner that is frozen lets another tab go on, and follows when it thaws', async () => {
    const [first, second] = [await openTab('frozen'), await openTab('frozen')]
    const { peerId } = await viewOf(first)
    await first.evaluate(() => void document.dispatchEvent(new Event('freeze')))
    await becomesOwner(second, peerId)
    await first.evaluate(() => void document.dispatchEvent(new Event('resume')))
    await eventually(async () => expect(await viewOf(first)).toMatchObject({ role: 'follower', hasOwner: true, peerId }))
    await second.close()
    await becomesOwner(first, peerId)
    expect(atNode()).toEqual([peerId])
  }, 60_000)

  // One of several tabs of a site cannot hang alone in Firefox: they share a process.
  if (inChromium)
    test('an owner that hangs loses the pool to a tab that looks, and notices', async () => {
      const roles: string[] = []
      const first = await openTab('hangs', (role) => roles.push(`first ${role}`))
      const second = await openTab('hangs', (role) => roles.push(`second ${role}`))
      const { peerId } = await viewOf(first)
      const hanging = first.evaluate(() => {
        const until = performance.now() + 5_500
        while (performance.now() < until);
      })
      const before = performance.now()
      await becomesOwner(second, peerId)
      expect(performance.now() - before).toBeLessThan(takeOverMs)
      await second.evaluate((id) => tab.shared.peers.ban(id), stranger)
      await hanging
      await eventually(async () => expect(await viewOf(first)).toMatchObject({ role: 'follower', hasOwner: true, bannedPeers: [stranger] }))
      expect(await viewOf(second)).toMatchObject({ role: 'owner', bannedPeers: [stranger], active: 1 })
      await eventually(async () => expect(atNode()).toEqual([peerId]))
      expect(roles).toEqual(['second owner', 'first follower'])
    }, 60_000)

  test('a page that is kept for the back button lets another tab go on, and stands in line when it is back', async () => {
    const [first, second] = [await openTab('kept'), await openTab('kept')]
    const { peerId } = await viewOf(first)
    // Playwright's Chromium keeps no page; a real one does so in shared-pool-windows.test.ts.
    await first.evaluate(() => void dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
    await becomesOwner(second, peerId)
    await first.evaluate(() => void dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
    await second.close()
    await becomesOwner(first, peerId)
  }, 60_000)

  test('a follower requests the same as the owner: connect, send, explain, set the band, disconnect; and it is told what the pool is told', async () => {
    const [owner, follower] = [await openTab('requests'), await openTab('requests')]
    const { peerId } = await viewOf(owner)
    await eventually(async () => expect(atNode()).toEqual([peerId]))
    await eventually(async () => expect(await viewOf(follower)).toMatchObject({ active: 1 }))
    const received: string[] = []
    const toNode = node.pool.connections.findByPeerId(peerId)
    const reading = (async () => {
      for await (const message of toNode?.messages ?? []) received.push(new TextDecoder().decode(message))
    })()
    await follower.evaluate((id) => tab.shared.send(id, new TextEncoder().encode('from the follower')), node.pool.peerId)
    expect(await follower.evaluate(() => tab.shared.broadcast(new TextEncoder().encode('to all')))).toBe(1)
    await eventually(async () => expect(received).toEqual(['from the follower', 'to all']))

    // Each tab gets each message once, in order.
    for (const text of ['one', 'two', 'three']) await toNode?.send(new TextEncoder().encode(text))
    for (const page of [owner, follower]) {
      const expected = ['one', 'two', 'three'].map((text) => `${node.pool.peerId} ${text}`)
      await eventually(async () => expect(await page.evaluate(() => tab.heard)).toEqual(expected))
    }

    expect(await follower.evaluate((id) => tab.shared.explain(id), node.pool.peerId)).toMatchObject({ state: 'connected' })
    expect(await follower.evaluate((id) => tab.shared.peers.describe(id), node.pool.peerId)).toMatchObject({ state: 'running' })
    await follower.evaluate(() => tab.shared.setBand({ min: 0, expected: 0, max: 4 }))
    expect(await codeOf(follower, () => tab.shared.setBand({ min: 2, expected: 1, max: 4 }))).toBe('invalid-config')
    const heard = await follower.evaluate(async (id) => {
      const coming = tab.shared.next('connection-closed', { signal: AbortSignal.timeout(10_000) })
      await tab.shared.disconnect(id)
      return (await coming).detail.peerId
    }, node.pool.peerId)
    expect(heard).toBe(node.pool.peerId)
    await reading
    const point = node.pool.network.ownPoints()[0] as Point
    expect(await follower.evaluate((to) => tab.shared.connect(to), point)).toBe(node.pool.peerId)
    expect(await codeOf(follower, (to) => tab.shared.connect(to), point)).toBe('rejected already-connected')
    expect(await codeOf(follower, (id) => tab.shared.send(id, new Uint8Array(1)), stranger)).toBe('not-connected')
    expect(await codeOf(follower, () => tab.shared.send('nobody' as PeerId, new Uint8Array(1)))).toBe('invalid-peer-id')
    expect(await codeOf(follower, () => tab.shared.points.ban('/no/point' as Point))).toBe('invalid-point')
    expect(await codeOf(follower, (id) => tab.shared.peers.ban(id, { endsAt: 'soon' as unknown as number }), stranger)).toBe(
      'invalid-argument'
    )
    expect(await codeOf(follower, () => tab.shared.next('role-chnged' as 'role-changed'))).toBe('invalid-argument')

    // The next owner keeps the band that was requested for.
    await owner.close()
    await becomesOwner(follower, peerId)
    expect(await follower.evaluate(() => tab.shared.snapshot()?.band)).toEqual({ min: 0, expected: 0, max: 4 })
  }, 60_000)

  if (inChromium)
    test('what cannot be brought to an owner is told: messages of a tab whose owner hangs, too many requests, a stopped tab', async () => {
      const [owner, follower] = [await openTab('lost'), await openTab('lost')]
      const { peerId } = await viewOf(owner)
      owner
        .evaluate(() => {
          for (;;);
        })
        .catch(() => undefined)
      const results = follower.evaluate(
        async ([to, id]) => {
          const codes = (requests: readonly Promise<unknown>[]) =>
            Promise.all(
              requests.map((request) =>
                request.then(
                  () => 'done',
                  (error: { code: string }) => error.code
                )
              )
            )
          const cancelled = tab.shared
            .connect('/ip4/127.0.0.1/tcp/1/ws' as Point, { signal: AbortSignal.timeout(50) })
            .catch((error: Error) => error.name)
          const sent = codes([tab.shared.send(to, new Uint8Array(1))])
          const bans = codes(Array.from({ length: 260 }, () => tab.shared.peers.ban(id)))
          return { sent: await sent, bans: await bans, cancelled: await cancelled }
        },
        [node.pool.peerId, stranger] as const
      )
      await becomesOwner(follower, peerId)
      const { sent, bans, cancelled } = await results
      expect(sent).toEqual(['no-owner'])
      expect(bans.filter((code) => code === 'done').length).toBe(254)
      expect(bans.filter((code) => code === 'too-many-waiting').length).toBe(6)
      expect(cancelled).toBe('TimeoutError')
      expect((await viewOf(follower)).bannedPeers).toEqual([stranger])
      await owner.close()

      await follower.evaluate(() => tab.shared.stop())
      expect(await codeOf(follower, () => tab.shared.maintain())).toBe('destroyed')
      await eventually(async () => expect(atNode()).toEqual([]))
    }, 60_000)

  test('a tab of another version is recognised, and a pool of another network under the same name is refused', async () => {
    const owner = await openTab('versions')
    const other = await context.newPage()
    await other.goto(addressOf(server))
    const answer = await other.evaluate(
      () =>
        new Promise((resolve) => {
          const channel = new BroadcastChannel('p2p-pool:versions')
          channel.onmessage = ({ data }) => resolve(data)
          for (const nonsense of [
            null,
            7,
            'text',
            {},
            { from: 1 },
            { version: 1, from: 'x', kind: 'constructor' },
            { version: 1, from: 'x', kind: 'request' }
          ])
            channel.postMessage(nonsense)
          channel.postMessage({ version: 2, from: 'other', kind: 'greeting' })
        })
    )
    expect(answer).toMatchObject({ version: 1, to: 'other', kind: 'owner' })
    expect(await owner.evaluate(() => tab.others)).toEqual([2])
    const refused = await other.evaluate((init) => tab.open(init).catch((error: { code: string }) => error.code), {
      ...initOf('versions'),
      network: 'another'
    })
    expect(refused).toBe('invalid-config')

    // An owner of another version is no silent one: nobody takes its place, and requests are refused at once.
    const third = await context.newPage()
    await third.goto(addressOf(server))
    const codes = await third.evaluate(async (init) => {
      const release = Promise.withResolvers<void>()
      void navigator.locks.request('p2p-pool:future:owner', () => release.promise)
      const channel = new BroadcastChannel('p2p-pool:future')
      channel.onmessage = ({ data }) => {
        if (data.kind === 'look') channel.postMessage({ version: 2, from: 'owner', kind: 'owner' })
      }
      const role = await tab.open(init)
      const code = await tab.shared.maintain().catch((error: { code: string }) => error.code)
      // Told to those who listen by then, at the next look.
      while (tab.others.length === 0) await new Promise((resolve) => setTimeout(resolve, 100))
      channel.close()
      release.resolve()
      return [role, code, tab.others]
    }, initOf('future'))
    expect(codes).toEqual(['follower', 'not-understood', [2]])
    await eventually(async () => expect(await third.evaluate(() => tab.shared.role)).toBe('owner'))
    await third.evaluate(() => tab.shared.maintain())
  }, 60_000)

  test('a tab whose node does not start says why, and keeps no other tab from owning', async () => {
    const broken = await context.newPage()
    await broken.goto(addressOf(server))
    const opening = (init: object) => broken.evaluate((given) => tab.open(given as never).catch((error: Error) => error.message), init)
    expect(await opening({ ...initOf('broken'), listen: ['nonsense'] })).toMatch(/must start with/)
    expect(await opening({ ...initOf('broken'), minConnections: -1 })).toMatch(/minConnections: expected/)
    expect(await viewOf(await openTab('broken'))).toMatchObject({ role: 'owner' })
  }, 60_000)

  test('with tabs: own each tab is a peer of its own, with the same face', async () => {
    const pages = await Promise.all(
      [0, 1].map(async () => {
        const page = await context.newPage()
        await page.exposeFunction('roleTold', () => undefined)
        await page.goto(addressOf(server))
        await page.evaluate((init) => tab.open({ ...init, tabs: 'own' }), initOf('apart'))
        return page
      })
    )
    const [first, second] = await Promise.all(pages.map(viewOf))
    expect(first).toMatchObject({ role: 'owner', hasOwner: true })
    expect(second).toMatchObject({ role: 'owner', hasOwner: true })
    expect(first?.peerId).not.toBe(second?.peerId)
    const [page] = pages as [Page]
    await page.evaluate((id) => tab.shared.peers.ban(id), stranger)
    expect((await viewOf(page)).bannedPeers).toEqual([stranger])
    await page.evaluate(() => tab.shared.stop())
    expect((await viewOf(page)).role).toBe('follower')
  }, 60_000)
})

/** The code of the `PoolError` that a request rejects with. */
async function codeOf<Arg>(page: Page, request: (arg: Arg) => Promise<unknown>, arg?: Arg): Promise<string> {
  const source = `(${request})(${JSON.stringify(arg)}).then(() => 'done', ({ code, rejection, message }) => rejection ? code + ' ' + rejection.kind : code ?? message)`
  return page.evaluate(source)
}

async function newPeerId(): Promise<PeerId> {
  return parsePeerId(peerIdFromPrivateKey(await generateKeyPair('Ed25519')))
}
