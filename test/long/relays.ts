/**
 * A relay with three reservations: many short visits, pages that it refused, and restarts. A page counts as reachable when another page has
 * dialed it through the relay and the handshake of the pool is done.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { createNodePeer, type NodePeer, type PeerId } from '../../node/index.ts'
import { departures, LongBrowser, type Tab } from './browser.ts'
import { type Finding, type LongRun, type LongRunOptions, median, pause, seconds } from './finding.ts'
import type { LongPage } from './long-page.ts'

declare const long: LongPage

const network = 'long-run'
const maxReservations = 3
const visits = 30
const visitWithinMs = 5_000
/** After this time a refused page asks as rarely as it ever does. */
const refusedForMs = 150_000
const refusedRounds = 3
const refusedWithinMs = 60_000
/** How long the named relay is away. */
const outagesMs = [1_000, 8_000, 20_000]
const restartWithinMs = 10_000
/** What takes longer is waited for so many times as long, to say how long it takes. */
const patience = 3
/** One connection is enough, to the relay: pages do not look for others. */
const pageBand = { minConnections: 1, expectedConnections: 1, maxConnections: 4, minByKind: null }

/** One run each, with a relay and a browser of its own. */
export const relayRuns: readonly LongRun[] = [
  {
    name: 'relay-visits',
    about: '30 short visits at a relay with three reservations; the next page is reachable. 1 minute',
    run: (options) => withRelay(options, visitsAtSmallRelay)
  },
  {
    name: 'relay-refused',
    about: 'a page that a full relay refused gets the next reservation that is free. 10 minutes',
    run: (options) => withRelay(options, refusedPages)
  },
  {
    name: 'relay-restarts',
    about: 'a page names a relay that is down at first and restarts three times. 1 minute',
    run: (options) => withRelay(options, namedRelay)
  }
]

async function withRelay(options: LongRunOptions, run: (scene: Scene) => Promise<Finding[]>): Promise<Finding[]> {
  const browser = await LongBrowser.launch()
  const relay = new Relay()
  try {
    await relay.start()
    return await run({ ...options, browser, relay })
  } finally {
    await browser.close()
    await relay.stop()
  }
}

interface Scene extends LongRunOptions {
  readonly browser: LongBrowser
  readonly relay: Relay
}

/** It keeps identity and port when it restarts. */
class Relay {
  #running: NodePeer | undefined
  #privateKey: PrivateKey | undefined
  #listen = '/ip4/127.0.0.1/tcp/0/ws'
  point = ''

  async start(): Promise<void> {
    this.#privateKey ??= await generateKeyPair('Ed25519')
    this.#running = await createNodePeer({
      network,
      privateKey: this.#privateKey,
      listen: [this.#listen],
      minConnections: 0,
      expectedConnections: 10,
      maxConnections: 20,
      relay: { maxReservations }
    })
    this.#listen = String(this.#running.pool.network.ownPoints()[0])
    this.point = `${this.#listen}/p2p/${this.#running.pool.peerId}`
  }

  async stop(): Promise<void> {
    await this.#running?.stop()
  }

  get status(): string {
    const { used, max, left } = this.#running?.relay?.status() ?? { used: 0, max: 0, left: 0 }
    return `${used} of ${max} reservations used, ${left} left`
  }

  /** Where others come to a page over it. */
  to(page: PeerId): string {
    return `${this.point}/p2p-circuit/webrtc/p2p/${page}`
  }
}

/** A page that dials others and takes no reservation. */
async function openVisitor({ browser, relay }: Scene): Promise<Tab> {
  const visitor = await browser.open()
  await visitor.page.evaluate((init) => long.start(init), { network, trustedPoints: [relay.point], listen: [], ...pageBand })
  return visitor
}

interface Guest {
  readonly tab: Tab
  readonly peerId: PeerId
  readonly startedAt: number
}

async function openGuest({ browser, relay }: Scene): Promise<Guest> {
  const tab = await browser.open()
  const startedAt = performance.now()
  const peerId = await tab.page.evaluate((init) => long.start(init), { network, trustedPoints: [relay.point], ...pageBand })
  return { tab, peerId, startedAt }
}

interface Reaching {
  readonly visitor: Tab
  readonly peerId: PeerId
  readonly since: number
  readonly withinMs: number
}

/** The time until the page is reachable, ms; infinite when it takes much too long. */
async function reach({ relay, say }: Scene, { visitor, peerId, since, withinMs }: Reaching): Promise<number> {
  const failure = await visitor.page.evaluate(([point, ms]) => long.reach(point, ms), [relay.to(peerId), patience * withinMs] as const)
  if (failure === undefined) return performance.now() - since
  say(`not reachable: ${failure}`)
  return Number.POSITIVE_INFINITY
}

async function visitsAtSmallRelay(scene: Scene): Promise<Finding[]> {
  const { relay, scale, say } = scene
  const visitor = await openVisitor(scene)
  const times: number[] = []
  const count = Math.max(departures.length, Math.round(visits * scale)) + 1
  for (let visit = 0; visit < count; visit++) {
    const { tab, peerId, startedAt: since } = await openGuest(scene)
    const reserved = tab.page.evaluate(() => long.ownPoint()).then(() => performance.now() - since)
    const took = await reach(scene, { visitor, peerId, since, withinMs: visitWithinMs })
    times.push(took)
    if (took > visitWithinMs / 2)
      say(`visit ${visit + 1}: a reservation after ${seconds(await reserved)}, reachable after ${seconds(took)}`)
    if (visit < count - 1) await tab.end(departures[visit % departures.length] ?? 'left')
    else {
      say(`the last of ${count} visits is there: ${relay.status}`)
      await tab.end('left')
    }
  }
  await visitor.end('left')
  const last = times.at(-1) ?? Number.POSITIVE_INFINITY
  return [
    {
      what: `page ${count} at a relay with ${maxReservations} reservations, after ${count - 1} short visits`,
      measured: `reachable after ${seconds(last)}; all: ${seconds(Math.min(...times))} to ${seconds(Math.max(...times))}, median ${seconds(median(times))}`,
      target: `within ${seconds(visitWithinMs)}`,
      holds: last <= visitWithinMs
    }
  ]
}

async function refusedPages(scene: Scene): Promise<Finding[]> {
  const { relay, scale, say } = scene
  const visitor = await openVisitor(scene)
  const guests = await Promise.all(Array.from({ length: maxReservations }, () => openGuest(scene)))
  for (const { peerId, startedAt: since } of guests) await reach(scene, { visitor, peerId, since, withinMs: visitWithinMs })
  const times: number[] = []
  for (let round = 0; round < refusedRounds; round++) {
    const refused = await openGuest(scene)
    await pause(refusedForMs * scale)
    const { held } = await refused.tab.page.evaluate(() => long.relays())
    say(`a page waits, with ${held} reservations: ${relay.status}`)
    if (held > 0) throw new Error('a full relay gave a reservation')
    const since = performance.now()
    await guests.shift()?.tab.end('left')
    times.push(await reach(scene, { visitor, peerId: refused.peerId, since, withinMs: refusedWithinMs }))
    say(`reachable ${seconds(times.at(-1) ?? 0)} after a reservation was free`)
    guests.push(refused)
  }
  await Promise.all([visitor, ...guests.map(({ tab }) => tab)].map((tab) => tab.end('left')))
  return [
    {
      what: `a page that a full relay had refused for ${seconds(refusedForMs * scale)}, ${refusedRounds} times`,
      measured: `reachable ${times.map(seconds).join(', ')} after a reservation was free`,
      target: `within ${seconds(refusedWithinMs)}`,
      holds: times.every((ms) => ms <= refusedWithinMs)
    }
  ]
}

async function namedRelay(scene: Scene): Promise<Finding[]> {
  const { browser, relay, say } = scene
  await relay.stop()
  const tab = await browser.open()
  const init = { network, listen: [`${relay.point}/p2p-circuit`, '/webrtc'], ...pageBand }
  const begun = performance.now()
  const started = await tab.page.evaluate((options) => long.startShared(options), init).catch((error: unknown) => new Error(String(error)))
  const startMs = performance.now() - begun
  const starts = {
    what: 'createWebPeer while the relay that it names is down',
    measured: `${started instanceof Error ? `rejected: ${started.message}` : 'resolved'} after ${seconds(startMs)}`,
    target: 'it resolves',
    holds: !(started instanceof Error)
  }
  if (started instanceof Error) return [starts]
  const peerId = started
  await relay.start()
  const since = performance.now()
  const visitor = await openVisitor(scene)
  say(`up for the first time: reachable after ${seconds(await reach(scene, { visitor, peerId, since, withinMs: restartWithinMs }))}`)
  const times: number[] = []
  for (const outageMs of outagesMs) {
    await relay.stop()
    await pause(outageMs)
    await relay.start()
    times.push(await reach(scene, { visitor, peerId, since: performance.now(), withinMs: restartWithinMs }))
    say(`away for ${seconds(outageMs)}: reachable ${seconds(times.at(-1) ?? 0)} after it was up`)
  }
  await Promise.all([tab, visitor].map((one) => one.end('left')))
  return [
    starts,
    {
      what: `a page whose named relay restarts, away for ${outagesMs.map(seconds).join(', ')}`,
      measured: `reachable ${times.map(seconds).join(', ')} after the relay was up`,
      target: `within ${seconds(restartWithinMs)} each time`,
      holds: times.every((ms) => ms <= restartWithinMs)
    }
  ]
}
