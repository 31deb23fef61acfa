/**
 * `createTabPeer` in a real browser, with a Node peer as relay: pages on one machine, over WebSockets and WebRTC. Driven
 * from Node, since a page cannot be a relay; the page's code is built as a user would build it.
 */
import type { Server } from 'node:http'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNodePeer, type NodePeer, type PeerId } from '../../node/index.ts'
import { inChromium, isThrown, launchBrowser } from '../support/browsers.ts'
import { addressOf, bundlePage, eventually, servePage } from './pages.ts'
import type { TestPage } from './web-peer-page.ts'

declare const page: TestPage

const pageDeadlineMs = 20_000

describe('createTabPeer', () => {
  let relay: NodePeer
  let server: Server
  let browser: Browser
  const contexts: BrowserContext[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    ;[relay, server, browser] = await Promise.all([
      createNodePeer({
        network: 'web-test',
        listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
        inboundConnectionThreshold: 1_000,
        minConnections: 0,
        expectedConnections: 0,
        relay: true
      }),
      servePage(await bundlePage('web-peer-page.ts')),
      launchBrowser()
    ])
  }, 60_000)

  afterAll(async () => {
    await Promise.all(contexts.map((context) => context.close()))
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
    await relay?.stop()
    expect(complaints).toEqual([])
  })

  const url = (): string => addressOf(server)
  const relayPoint = (): string => {
    const point = relay.pool.network.ownPoints().find((own) => own.endsWith('/ws'))
    return `${point}/p2p/${relay.pool.peerId}`
  }
  /** A profile of its own unless another page's is given. */
  const openPage = async (beside?: Page): Promise<Page> => {
    const context = beside?.context() ?? (await browser.newContext())
    if (beside === undefined) contexts.push(context)
    const opened = await context.newPage()
    opened.setDefaultTimeout(pageDeadlineMs)
    opened.on('pageerror', (error) => isThrown(error) && complaints.push(String(error)))
    await opened.goto(url())
    return opened
  }
  const start = async (where: Page, name = 'test'): ReturnType<TestPage['start']> =>
    where.evaluate((init) => page.start(init), {
      network: 'web-test',
      trustedPoints: [relayPoint()],
      name,
      minConnections: 1,
      expectedConnections: 1,
      maxConnections: 10
    })

  test.concurrent('pages reach a server by WebSocket and each other directly, and a ban ends it', async () => {
    const [a, b] = await Promise.all([openPage(), openPage()])
    const [alice, bob] = await Promise.all([start(a), start(b)])
    expect(alice.transports).toEqual(['wss', 'ws', 'webrtc'])
    const point = await b.evaluate(() => page.ownPoint())
    expect(point).toMatch(new RegExp(`^/ip4/127.0.0.1/tcp/\\d+/ws/p2p/${relay.pool.peerId}/p2p-circuit/webrtc/p2p/${bob.peerId}$`))
    await eventually(async () => {
      expect(await a.evaluate(() => page.connections())).toMatchObject([
        { peerId: relay.pool.peerId, transport: 'ws', host: '::ffff:127.0.0.1' }
      ])
    })

    // Directly, though over the relay to begin with; no host on either side.
    expect(await a.evaluate((to) => page.connect(to), point)).toMatchObject({ peerId: bob.peerId, transport: 'webrtc', host: undefined })
    await eventually(async () => {
      const atBob = await b.evaluate(() => page.connections())
      expect(atBob.find(({ peerId }) => peerId === alice.peerId)).toMatchObject({
        transport: 'webrtc',
        host: undefined,
        direction: 'incoming'
      })
    })
    expect(await a.evaluate((id) => page.limited(id), bob.peerId)).toContain(false)

    // Both ways at once, in order.
    const size = 1_000_000
    const [there, back] = await Promise.all([
      b.evaluate(([id, bytes]) => page.receive(id, bytes), [alice.peerId, size] as const),
      a.evaluate(([id, bytes]) => page.receive(id, bytes), [bob.peerId, size] as const),
      a.evaluate(([id, bytes]) => page.send(id, bytes), [bob.peerId, size] as const),
      b.evaluate(([id, bytes]) => page.send(id, bytes), [alice.peerId, size] as const)
    ])
    expect([there, back]).toEqual([size, size])

    // The relayed connection beside the direct one is left over, and goes.
    await eventually(async () => {
      expect(await a.evaluate((id) => page.limited(id), bob.peerId)).toEqual([false])
      expect(await b.evaluate((id) => page.limited(id), alice.peerId)).toEqual([false])
    }, 25_000)

    await b.evaluate((id) => page.ban(id), alice.peerId)
    await eventually(async () => {
      expect(await a.evaluate((id) => page.limited(id), bob.peerId)).toEqual([])
      expect(await b.evaluate((id) => page.limited(id), alice.peerId)).toEqual([])
    })
    expect(await a.evaluate((to) => page.failureOf(to), point)).not.toBe('connected')
  }, 60_000)

  test.concurrent('a service that the page adds runs beside those of the preset', async () => {
    const a = await openPage()
    await start(a)
    await eventually(async () => expect(await a.evaluate(() => page.connections())).toMatchObject([{ peerId: relay.pool.peerId }]))
    expect(await a.evaluate((id) => page.ping(id), relay.pool.peerId)).toBeGreaterThanOrEqual(0)
  })

  test.concurrent('pages that dial each other at the same moment have one connection each, which works both ways', async () => {
    const [a, b] = await Promise.all([openPage(), openPage()])
    const [alice, bob] = await Promise.all([start(a), start(b)])
    const [toAlice, toBob] = await Promise.all([a, b].map((where) => where.evaluate(() => page.ownPoint())))
    const have = (count: number): Promise<void> =>
      eventually(async () => {
        const [atAlice, atBob] = await Promise.all([a, b].map((where) => where.evaluate(() => page.connections())))
        expect(atAlice?.filter(({ peerId }) => peerId === bob.peerId)).toHaveLength(count)
        expect(atBob?.filter(({ peerId }) => peerId === alice.peerId)).toHaveLength(count)
      })
    for (let round = 0; round < 3; round++) {
      await Promise.all([a.evaluate((to) => page.failureOf(to), toBob ?? ''), b.evaluate((to) => page.failureOf(to), toAlice ?? '')])
      await have(1)
      const size = 1_000
      const heard = [
        b.evaluate(([id, n]) => page.receive(id, n), [alice.peerId, size] as const),
        a.evaluate(([id, n]) => page.receive(id, n), [bob.peerId, size] as const)
      ]
      await Promise.all([
        a.evaluate(([id, n]) => page.send(id, n), [bob.peerId, size] as const),
        b.evaluate(([id, n]) => page.send(id, n), [alice.peerId, size] as const)
      ])
      expect(await Promise.all(heard)).toEqual([size, size])
      await a.evaluate((id) => page.disconnect(id), bob.peerId)
      await have(0)
    }
  }, 60_000)

  if (inChromium)
    test.concurrent('WebRTC connections that have ended are collected', async () => {
      const [a, b] = await Promise.all([openPage(), openPage()])
      await Promise.all([start(a), start(b)])
      const point = await b.evaluate(() => page.ownPoint())
      const times = 12
      await a.evaluate(([to, count]) => page.comeAndGo(to, count), [point, times] as const)
      for (const where of [a, b]) {
        const session = await where.context().newCDPSession(where)
        await eventually(async () => {
          await session.send('HeapProfiler.collectGarbage')
          const { result } = await session.send('Runtime.evaluate', { expression: 'RTCPeerConnection.prototype' })
          const { objects } = await session.send('Runtime.queryObjects', { prototypeObjectId: result.objectId ?? '' })
          const { result: alive } = await session.send('Runtime.callFunctionOn', {
            functionDeclaration: 'function () { return this.length }',
            objectId: objects.objectId ?? '',
            returnByValue: true
          })
          // What the inspector holds is not collected either.
          await session.send('Runtime.releaseObject', { objectId: objects.objectId ?? '' })
          expect(alive.value).toBeLessThanOrEqual(times / 3)
        }, 20_000)
      }
    }, 60_000)

  test.concurrent('a browser without WebRTC claims no WebRTC address, dials none, and takes no place at a relay', async () => {
    const context = await browser.newContext()
    contexts.push(context)
    await context.addInitScript('delete globalThis.RTCPeerConnection')
    const opened = await context.newPage()
    opened.on('pageerror', (error) => isThrown(error) && complaints.push(String(error)))
    await opened.goto(url())
    expect((await start(opened)).transports).toEqual(['wss', 'ws'])
    await eventually(async () => expect(await opened.evaluate(() => page.connections())).toHaveLength(1))
    expect(await opened.evaluate(() => page.relays())).toEqual({ held: 0, wanted: 0 })
    const stranger = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId
    const point = `${relayPoint()}/p2p-circuit/webrtc/p2p/${stranger}`
    expect(await opened.evaluate((to) => page.failureOf(to), point)).toBe('no-transport')
  }, 60_000)

  test.concurrent('a dial that cannot work says why', async () => {
    const a = await openPage()
    await start(a)
    const failureOf = (text: string): Promise<unknown> => a.evaluate((to) => page.failureOf(to), text)
    const stranger = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId
    expect(await failureOf('/ip4/127.0.0.1/tcp/4001')).toBe('no-transport')
    expect(await failureOf('/ip4/127.0.0.1/tcp/1/ws')).toBe('refused')
    expect(await failureOf(`${relayPoint()}/p2p-circuit/webrtc/p2p/${stranger}`)).toBe('unreachable')
    expect(await failureOf(`${relayPoint()}/p2p-circuit/p2p/${stranger}`)).toBe('no-transport')
  }, 60_000)

  test.concurrent('a reload keeps the identity; a second tab has one of its own', async () => {
    const a = await openPage()
    const first = await start(a, 'kept')
    expect(first).toMatchObject({ persistent: true, notice: undefined })
    const tab = await openPage(a)
    const second = await start(tab, 'kept')
    expect(second.persistent).toBe(false)
    expect(second.notice).toContain('kept')
    expect(second.peerId).not.toBe(first.peerId)
    await tab.close()
    await a.reload()
    expect(await start(a, 'kept')).toMatchObject({ peerId: first.peerId, persistent: true })
  }, 60_000)

  test('a Node peer with WebRTC dials a page', async () => {
    const a = await openPage()
    const alice = await start(a)
    const point = await a.evaluate(() => page.ownPoint())
    const band = { minConnections: 0, expectedConnections: 0, maxConnections: 10 }
    const peer = await createNodePeer({ network: 'web-test', listen: [], webRtc: true, ...band })
    try {
      // On a busy machine the first handshakes may come to no end; the pool would dial again as well.
      await eventually(async () => {
        expect(await peer.pool.connect(point)).toMatchObject({ peerId: alice.peerId, transport: 'webrtc' })
      }, 30_000)
      await eventually(async () => {
        const atAlice = await a.evaluate(() => page.connections())
        expect(atAlice.find(({ peerId }) => peerId === peer.pool.peerId)).toMatchObject({ transport: 'webrtc', direction: 'incoming' })
      })
    } finally {
      await peer.stop()
    }
  }, 60_000)
})
