/** Attacks that take an hour: the pool's own core on a network in memory, under a clock that is turned by hand. */
import { nodePreset, type Point } from '../../../src/core/index.ts'
import { hostOf } from '../../../src/core/values/address.ts'
import type { Link } from '../../../src/core/values/ports.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { HostilePeer, helloOf, messagesOf, say } from '../../support/hostile-peer.ts'
import { type Member, World } from '../../support/pools.ts'
import { findingOf, type Row } from '../kit/row.ts'

const secondMs = 1_000
const minuteMs = 60_000
const hourMs = 3_600_000
const seed = 11

/** What a Node peer has where nothing else is said. */
const defaults = { ...nodePreset, maintenanceIdleMs: 120_000, allowPrivatePoints: false }

/** Answers every link as a pool that takes anybody. */
async function honestPeers(world: World, count: number): Promise<HostilePeer[]> {
  const peers = Array.from(
    { length: count },
    (_, i) => new HostilePeer(world, `honest${i}`, `/ip4/${20 + (i >> 8)}.${i & 255}.0.1/tcp/4001`)
  )
  for (const peer of peers) {
    const greeting = helloOf({ points: [peer.network.point] })
    await peer.listen((link) => say(link, greeting, { kind: 'ack' }))
  }
  return peers
}

const tableSize = 390
const crawlers = 6
const stayMs = minuteMs
/** All that they may learn of the table in an hour. */
const crawledShare = 0.25

/** They ask all the time, and come back under other ids, from one network. */
async function crawl() {
  const world = new World(seed)
  const { pool, network } = await world.start('victim', { ...defaults, point: '/ip4/203.0.113.1/tcp/4001' })
  const honest = await honestPeers(world, tableSize)
  const points = honest.map((peer) => peer.network.point)
  // The pool meets them all, one after the other, again and again: whoever is told of them is told the truth.
  let turn = 0
  const meetNext = async (): Promise<void> => {
    const point = points[turn++ % points.length] as Point
    if (pool.connections.findByPoint(point) !== undefined) return
    const connection = await pool.connect(point).catch(() => undefined)
    await connection?.disconnect({ kind: 'explicit', text: 'met' })
  }
  for (let i = 0; i < tableSize; i++) await world.clock.until(meetNext())
  const known = new Set([...pool.points.known()].map(([point]) => point).filter((point) => points.includes(point)))
  const learned = new Set<string>()
  let visits = 0
  const visit = async (place: number): Promise<void> => {
    const visitor = new HostilePeer(world, `crawler${visits++}`, `/ip4/198.51.100.${place + 1}/tcp/${5_000 + visits}`)
    const link = await visitor.network.dialRaw(network.point).catch(() => undefined)
    if (link === undefined) return
    void collect(link, learned)
    say(link, helloOf(), { kind: 'ack' })
    for (let asked = 0; asked < stayMs / secondMs; asked++) {
      world.clock.schedule(asked * secondMs, () => attempt(() => say(link, { kind: 'bootstrap', transports: ['tcp'] })))
    }
    world.clock.schedule(stayMs, () => void link.close())
  }
  for (let now = 0; now < hourMs; now += 3 * secondMs) {
    if (now % stayMs === 0) for (let place = 0; place < crawlers; place++) void visit(place)
    void meetNext()
    await world.clock.advance(3 * secondMs)
  }
  const found = [...known].filter((point) => learned.has(point)).length
  await world.stop()
  return findingOf({
    measured: `${visits} ids of one /16 learned ${found} of ${known.size} points, ${Math.round((100 * found) / known.size)} %`,
    isMet: known.size >= 0.9 * tableSize && found <= crawledShare * known.size
  })
}

/** Keeps every point that comes. */
async function collect(link: Link, learned: Set<string>): Promise<void> {
  try {
    for await (const message of messagesOf(link)) {
      if (message.kind === 'advertise' || message.kind === 'nack') for (const point of message.points) learned.add(point)
    }
  } catch {
    // The pool ended it: what came before counts.
  }
}

const liars = 10
const targetHost = '192.0.2.77'
const portOf = (point: Point): number => Number(point.split('/')[4])
const isTarget = (point: Point): boolean => hostOf(point) === `::ffff:${targetHost}`
const limits = { known: 4, dials: 3, windowMs: 10 * minuteMs }

/** They tell, every second and in every kind of message, of other ports of a host that is none of theirs. */
async function lie() {
  const world = new World(seed)
  const victim = await world.start('victim', { ...defaults, point: '/ip4/203.0.113.1/tcp/4001' })
  const dials = watchDials(world, victim)
  const random = seededRandom(seed)
  const anyPorts = (count: number): string[] =>
    Array.from({ length: count }, () => `/ip4/${targetHost}/tcp/${1 + Math.floor(random.next() * 65_535)}`)
  let ids = 0
  const come = async (place: number): Promise<void> => {
    const liar = new HostilePeer(world, `liar${ids++}`, `/ip4/${100 + place}.7.0.1/tcp/${4_001 + ids}`)
    const link = await liar.network.dialRaw(victim.network.point)
    const tell = (): void => {
      const offer = { kind: 'swap-request', point: anyPorts(1)[0] ?? '', peerId: `nobody${ids}` } as const
      if (attempt(() => say(link, { kind: 'advertise', points: anyPorts(100), ownPoints: anyPorts(8) }, offer)))
        world.clock.schedule(secondMs, tell)
    }
    void collect(link, new Set())
    say(link, helloOf({ points: anyPorts(8) }), { kind: 'ack' })
    world.clock.schedule(100, tell)
    // Half of them stay, half come back under other ids.
    if (place % 2 === 1)
      world.clock.schedule(
        minuteMs,
        () =>
          void link
            .close()
            .then(() => come(place))
            .catch(() => undefined)
      )
  }
  for (let place = 0; place < liars; place++) await world.clock.until(come(place))
  let mostKnown = 0
  const oddPorts = new Set<number>()
  for (let now = 0; now < hourMs; now += secondMs) {
    await world.clock.advance(secondMs)
    const known = [...victim.pool.points.known()].map(([point]) => point).filter(isTarget)
    mostKnown = Math.max(mostKnown, known.length)
    for (const port of known.map(portOf)) if (isOdd(port)) oddPorts.add(port)
  }
  for (const { point } of dials) if (isOdd(portOf(point))) oddPorts.add(portOf(point))
  const mostDials = Math.max(0, ...dials.map(({ at }, i) => dials.slice(i).filter((later) => later.at < at + limits.windowMs).length))
  const stayed = victim.pool.connectedPeerIds.size
  await world.stop()
  return findingOf({
    measured: `${mostKnown} points of it known at once, ${mostDials} dials in the worst 10 minutes, ${dials.length} in the hour, ${oddPorts.size} ports below 1024 other than 80 and 443 (${stayed} liars still connected)`,
    isMet: mostKnown <= limits.known && mostDials <= limits.dials && oddPorts.size === 0
  })
}

const isOdd = (port: number): boolean => port < 1_024 && port !== 80 && port !== 443

function watchDials(world: World, { network }: Member): { at: number; point: Point }[] {
  const dials: { at: number; point: Point }[] = []
  const dial = network.dial.bind(network)
  network.dial = (point, options) => {
    if (isTarget(point)) dials.push({ at: world.clock.now(), point })
    return dial(point, options)
  }
  return dials
}

/** The pool may have ended the link. */
function attempt(action: () => void): boolean {
  try {
    action()
    return true
  } catch {
    return false
  }
}

export const virtualRows: readonly Row[] = [
  {
    name: 'crawler',
    attack: 'a crawler for an hour (virtual time)',
    target: '25 % of the table at most, for its whole address group',
    deadlineMs: 120_000,
    run: crawl
  },
  {
    name: 'ten-liars',
    attack: 'ten liars advertise 65,535 ports of one host for an hour (virtual time)',
    target: '4 points known, 3 dials in 10 minutes; below port 1024 only 80 and 443',
    deadlineMs: 120_000,
    run: lie
  }
]
