/**
 * The life of a page in a real browser: hidden, frozen, offline, asleep, reloaded, left and come back to. Real are windows, visibility,
 * freezing, the offline event, reloads, the back button and all sockets, which a cut cable makes half-open; set forward by hand are the page's
 * clocks, since nobody waits for a night. `npm run soak:pages` repeats each case more often.
 */
import type { Server } from 'node:http'
import process from 'node:process'
import type { PrivateKey } from '@libp2p/interface'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HidingBrowser, HidingTab as Tab } from '../../node/cli/hiding-windows.ts'
import { createNodePeer, type NodePeer, type NodePeerInit, type PeerId } from '../../node/index.ts'
import { newIdentityKey } from '../../src/libp2p/identity-key.ts'
import type { TabPeerInit } from '../../web/index.ts'
import { inChromium, launchWindows } from '../support/browsers.ts'
import { Cable } from './cable.ts'
import type { LifePage } from './page-life-page.ts'
import { addressOf, bundlePage, eventually, servePage } from './pages.ts'

declare const life: LifePage

/** How often each case is tried, and the page reloaded. */
const rounds = Number(process.env.PAGE_ROUNDS ?? 2)
const reloads = Number(process.env.PAGE_RELOADS ?? 5)
const backWithinMs = 10_000
/** Firefox loads a page more slowly. */
const metWithinMs = inChromium ? 3_000 : 6_000
/** From leaving the page until nobody holds a place for it. */
const goodbyeMs = 2_000
const isSoak = process.env.PAGE_ROUNDS !== undefined
/** A page that nothing tells of a loss looks twice, so far apart, and asks two times; the soak waits for the default. */
const [keepAliveIntervalMs, foundWithinMs] = isSoak ? [20_000, 50_000] : [2_000, 20_000]
/** libp2p's connections are looked through every ten seconds, and one that is idle twice is closed. */
const leftoverMs = 25_000
/** A peer that has not noticed a loss takes the page again only once its old connection is older than a handshake can be. */
const connectionTimeoutMs = isSoak ? 10_000 : 2_000
const settledMs = connectionTimeoutMs + 1_000
const hourMs = 3_600_000
const frozen = 'frozen, its links cut meanwhile'
const kept = 'left, and come back to by the back button'
/** No command freezes a page of Firefox, and it loads a page with a pool anew for the back button. */
const onlyInChromium = [frozen, kept]

describe('the life of a page', () => {
  let server: Server
  let browser: HidingBrowser
  const worlds: World[] = []

  beforeAll(async () => {
    ;[server, browser] = await Promise.all([servePage(await bundlePage('page-life-page.ts')), launchWindows()])
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
    await Promise.all(worlds.map((world) => world.stop()))
    expect(browser?.complaints).toEqual([])
  })

  const open = async (network: string, options: Partial<TabPeerInit> = {}): Promise<{ tab: Tab; world: World }> => {
    const [tab, world] = await Promise.all([browser.open(addressOf(server)), World.make(network)])
    worlds.push(world)
    await loaded(tab)
    await tab.evaluate(
      (init, known) => life.start(init, known),
      { network, trustedPoints: world.points.slice(0, 1), ...options },
      world.points
    )
    await eventually(async () => expect(await tab.evaluate(() => life.view())).toMatchObject({ inTargets: true }))
    return { tab, world }
  }

  /** A page of another site, without a pool. */
  const elsewhere = (): string => `${addressOf(server).replace('localhost', '127.0.0.1')}page.js`

  const cases: Record<string, (tab: Tab, world: World, round: number) => Promise<void>> = {
    // First, since it takes longest: five run at a time.
    'hidden for a night, its links cut meanwhile': async (tab, world, round) => {
      expect(await tab.evaluate(() => life.timers())).toContain('web/page-life.ts')
      // It looks three times more for connections that nothing uses, in a test not every ten seconds.
      await tab.evaluate(() => life.hasten(5))
      await tab.hide()
      await eventually(async () => {
        const view = await tab.evaluate(() => life.view())
        expect(view).toMatchObject({ visibility: 'hidden', pool: 'suspended', band: { min: 1, expected: 2, max: 3 } })
        expect(view.active).toBeLessThanOrEqual(3)
        expect(view.storage.unsavedChanges).toBe(false)
      })
      if (round === 0) await eventually(async () => expect(await tab.evaluate(() => life.timers())).toEqual([]), 40_000)
      await tab.evaluate(() => life.hasten(1))
      await tab.evaluate(() => life.mark())
      world.cut()
      await tab.evaluate((ms, timers) => life.skip(ms, timers), 8 * hourMs, round % 2 === 0)
      world.mend()
      await tab.show()
    },
    [frozen]: async (tab, world) => {
      await tab.hide()
      await tab.freeze?.()
      await tab.evaluate(() => life.mark())
      world.cut()
      await pause(1_000)
      world.mend()
      await tab.thaw?.()
      await tab.show()
    },
    'offline, and online again': async (tab, world) => {
      await tab.evaluate(() => life.mark())
      world.cut()
      await tab.setOffline(true)
      await eventually(async () => expect(await tab.evaluate(() => life.view())).toMatchObject({ pool: 'suspended' }))
      const { begun } = world
      await pause(1_500)
      expect(world.begun).toBe(begun)
      world.mend()
      await tab.setOffline(false)
    },
    [kept]: async (tab, world, round) => {
      await tab.evaluate(() => life.mark())
      world.endings.splice(0)
      await tab.leaveFor(elsewhere())
      await eventually(async () => expect(world.active).toBe(0), goodbyeMs)
      expect(new Set(world.endings)).toEqual(new Set(['going-away']))
      await tab.goBack()
      await eventually(async () => expect(await tab.evaluate(() => life.kept())).toBe(round + 1))
    },
    'asleep with its machine, of which nobody tells it': async (tab, world, round) => {
      await tab.evaluate(() => life.mark())
      world.cut()
      await tab.evaluate((ms, timers) => life.skip(ms, timers), hourMs, round % 2 === 0)
      world.mend()
    }
  }

  if (!inChromium) for (const name of onlyInChromium) delete cases[name]
  for (const [name, leave] of Object.entries(cases)) {
    test.concurrent(
      `${name}: back within the targets in 10 s, ${rounds} times`,
      async ({ expect: check }) => {
        const { tab, world } = await open(`life-test-${name.slice(0, 6)}`)
        const took: number[] = []
        for (let round = 0; round < rounds; round++) {
          await pause(settledMs)
          await leave(tab, world, round)
          const ms = await tab.evaluate((within) => life.back(within), backWithinMs)
          check(ms, `round ${round}`).toBeTypeOf('number')
          took.push(Math.round(Number(ms)))
        }
        console.info(`${name}: back after ${took.join(', ')} ms`)
      },
      60_000 + rounds * 20_000
    )
  }

  test.concurrent(
    `a page that is reloaded ${reloads} times is met again in ${metWithinMs / 1_000} s each time, by one connection`,
    async ({ expect: check }) => {
      const world = await World.make('life-test-reload')
      worlds.push(world)
      const init = { network: 'life-test-reload', trustedPoints: world.points.slice(0, 1), minConnections: 2, expectedConnections: 2 }
      const [page, watcher] = await Promise.all([browser.open(addressOf(server)), browser.open(addressOf(server))])
      const start = async (tab: Tab): Promise<PeerId> => {
        await loaded(tab)
        return tab.evaluate((options) => life.start(options, []), init)
      }
      const [peerId] = await Promise.all([start(page), start(watcher)])
      check(await watcher.evaluate((id) => life.metAgain(id, 20_000), peerId)).toBeTypeOf('number')
      const took: number[] = []
      for (let reload = 0; reload < reloads; reload++) {
        await watcher.evaluate(() => life.mark())
        const left = performance.now()
        await page.reload()
        await loaded(page)
        const [again, met] = await Promise.all([start(page), watcher.evaluate((id) => life.metAgain(id, 20_000), peerId)])
        const ms = performance.now() - left
        check(again).toBe(peerId)
        check(met, `reload ${reload}`).toBeTypeOf('number')
        check(ms, `reload ${reload}`).toBeLessThan(metWithinMs)
        check(await watcher.evaluate((id) => life.met(id), peerId)).toMatchObject({ pool: 1, renewed: 1 })
        took.push(Math.round(ms))
      }
      // An old one may be left over below the pool; it carries nothing, and goes.
      await eventually(async () => check((await watcher.evaluate((id) => life.met(id), peerId)).direct).toBe(1), leftoverMs)
      console.info(`reloaded: met again after ${took.join(', ')} ms`)
    },
    30_000 + reloads * 8_000
  )

  if (inChromium)
    test.concurrent(
      `a page with a WebRTC connection is kept for the back button, and met again in 10 s, ${rounds} times`,
      async ({ expect: check }) => {
        const world = await World.make('life-test-kept')
        worlds.push(world)
        const init = { network: 'life-test-kept', trustedPoints: world.points.slice(0, 1), minConnections: 2, expectedConnections: 2 }
        const [page, watcher] = await Promise.all([browser.open(addressOf(server)), browser.open(addressOf(server))])
        const [peerId] = await Promise.all(
          [page, watcher].map(async (tab) => {
            await loaded(tab)
            return tab.evaluate((options) => life.start(options, []), init)
          })
        )
        if (peerId === undefined) throw new Error('no page')
        check(await watcher.evaluate((id) => life.metAgain(id, 20_000), peerId)).toBeTypeOf('number')
        const took: number[] = []
        for (let round = 1; round <= rounds; round++) {
          check((await page.evaluate(() => life.view())).peers.map(({ transport }) => transport)).toContain('webrtc')
          await watcher.evaluate(() => life.mark())
          await page.leaveFor(elsewhere())
          await eventually(async () => check(await watcher.evaluate((id) => life.met(id), peerId)).toMatchObject({ pool: 0 }), goodbyeMs)
          check(await watcher.evaluate(() => life.lastEnding())).toBe('going-away')
          await page.goBack()
          const shown = performance.now()
          check(await watcher.evaluate((id) => life.metAgain(id, 20_000), peerId), `round ${round}`).toBeTypeOf('number')
          const ms = performance.now() - shown
          check(ms, `round ${round}`).toBeLessThan(backWithinMs)
          check(await page.evaluate(() => life.kept())).toBe(round)
          took.push(Math.round(ms))
        }
        console.info(`kept for the back button: met again after ${took.join(', ')} ms`)
      },
      40_000 + rounds * 20_000
    )

  test.concurrent(`links that go dead without a word are found and given up in ${foundWithinMs / 1_000} s`, async ({ expect: check }) => {
    const { tab, world } = await open('life-test-silence', { keepAliveIntervalMs })
    await tab.evaluate(() => life.mark())
    world.cut()
    const ms = await tab.evaluate((within) => life.rid(within), foundWithinMs)
    check(ms).toBeTypeOf('number')
    check(await tab.evaluate(() => life.lastEnding())).toBe('lost')
    console.info(`dead without a word: given up after ${Math.round(Number(ms))} ms`)
  }, 90_000)

  test.concurrent('a page is reachable by WebRTC again after its relay was restarted', async ({ expect: check }) => {
    const reconnection = { afterConnectionMs: 1_500 }
    const { tab, world } = await open('life-test-relay', { reconnection, keepAliveIntervalMs: 2_000 })
    const isReachable = async (reachable: boolean): Promise<void> => {
      const { ownPoints } = await tab.evaluate(() => life.view())
      check(ownPoints.some((point) => point.includes('/p2p-circuit/webrtc/'))).toBe(reachable)
    }
    await eventually(() => isReachable(true))
    const startAgain = await world.stopRelay()
    await eventually(() => isReachable(false))
    await startAgain()
    await eventually(() => isReachable(true), 30_000)
  }, 60_000)
})

/** Five Node peers, one of them a relay, each at the end of a cable of its own: a network for one page. */
class World {
  readonly #peers: NodePeer[]
  readonly #relayKey: PrivateKey
  readonly #cables: readonly Cable[]
  /** What the page said, or did not say, when it ended a connection; the newest last. */
  readonly endings: string[] = []

  static async make(network: string): Promise<World> {
    const cables = await Promise.all(Array.from({ length: 5 }, () => Cable.lay()))
    const { privateKey } = await newIdentityKey()
    const peers = await Promise.all(
      cables.map(async (cable, i) => {
        cable.target = await freePort()
        return startPeer(network, cable, i === 0 ? { relay: true, privateKey } : {})
      })
    )
    return new World(peers, { cables, relayKey: privateKey })
  }

  private constructor(peers: NodePeer[], { cables, relayKey }: { cables: readonly Cable[]; relayKey: PrivateKey }) {
    this.#relayKey = relayKey
    this.#peers = peers
    this.#cables = cables
    for (const { pool } of peers) {
      pool.addEventListener('connection-lost', ({ detail }) => this.endings.push(detail.ending.reason.kind))
    }
  }

  /** Resolves with a function that starts it again, as the same peer at the same place. */
  async stopRelay(): Promise<() => Promise<void>> {
    const [relay] = this.#peers
    const [cable] = this.#cables
    if (relay === undefined || cable === undefined) throw new Error('no relay')
    const { network } = relay.pool.config
    const privateKey = this.#relayKey
    await relay.stop()
    return async () => {
      this.#peers[0] = await startPeer(network, cable, { relay: true, privateKey })
    }
  }

  get points(): readonly string[] {
    return this.#cables.map(({ port }, i) => `/ip4/127.0.0.1/tcp/${port}/ws/p2p/${this.#peers[i]?.pool.peerId}`)
  }

  /** That the peers have with the page. */
  get active(): number {
    return this.#peers.reduce((sum, { pool }) => sum + pool.activeConnections, 0)
  }

  /** Connections that the page began. */
  get begun(): number {
    return this.#cables.reduce((sum, { begun }) => sum + begun, 0)
  }

  cut(): void {
    for (const cable of this.#cables) cable.cut()
  }

  mend(): void {
    for (const cable of this.#cables) cable.mend()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.stop()))
    await Promise.all(this.#cables.map((cable) => cable.remove()))
  }
}

function startPeer(network: string, { port, target }: Cable, options: Pick<NodePeerInit, 'relay' | 'privateKey'>): Promise<NodePeer> {
  return createNodePeer({
    network,
    listen: [`/ip4/127.0.0.1/tcp/${target}/ws`],
    announce: [`/ip4/127.0.0.1/tcp/${port}/ws`],
    inboundConnectionThreshold: 1_000,
    minConnections: 0,
    expectedConnections: 0,
    connectionTimeoutMs,
    ...options
  })
}

async function loaded(tab: Tab): Promise<void> {
  await eventually(async () => expect(await tab.evaluate(() => 'life' in globalThis)).toBe(true))
}

async function freePort(): Promise<number> {
  const cable = await Cable.lay()
  const { port } = cable
  await cable.remove()
  return port
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
