/** What 250 kB of messages of one peer cost a pool: turns of its event loop, processor time, memory. */
import type { Libp2p } from '@libp2p/interface'
import { encodeMessages } from '../../../src/core/wire/encode.ts'
import type { PoolMessage } from '../../../src/core/wire/schema.ts'
import { kinds } from '../../../src/core/wire/schema.ts'
import { type Lab, pause, until } from '../../laboratory/lab.ts'
import { defineRole } from '../../laboratory/role.ts'
import { attackerHost, spreadAttackerHost, victimHost } from '../kit/hosts.ts'
import type { Finding, Row } from '../kit/row.ts'
import { dialAgain, helloOf, joinPool, type PoolStream, strangerAt } from '../kit/stranger.ts'
import { tcpPort, victim } from '../kit/victim.ts'

const floodBytes = 250_000
/** Long enough for the victim to have worked everything off, at the cost that is allowed and at several times that. */
const watchMs = 2_500
/** Above the number at which a pool swaps. */
const companions = 24
const limits = { turnMs: 50, processorMs: 300, heldBytes: 2 * 1024 * 1024 }

const peerId = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const point = (n: number): string => `/ip4/64.${n % 250}.${(n >> 8) % 250}.1/tcp/4001`
const points = (count: number, turn = 0): string[] => Array.from({ length: count }, (_, i) => point(turn * count + i))

/** What an honest peer says, another time with other points. */
const wellFormed: Readonly<Record<string, (turn: number) => PoolMessage>> = {
  hello: () => helloOf({ points: points(2) }),
  ack: () => ({ kind: 'ack' }),
  nack: () => ({ kind: 'nack', motive: 2, points: points(10) }),
  bootstrap: () => ({ kind: 'bootstrap', transports: ['tcp', 'ws'] }),
  advertise: (turn) => ({ kind: 'advertise', points: points(100, turn), ownPoints: undefined }),
  'advertise of own points': (turn) => ({ kind: 'advertise', points: [], ownPoints: points(8, turn) }),
  'swap-request': (turn) => ({ kind: 'swap-request', point: point(turn), peerId }),
  'swap-ack': (turn) => ({ kind: 'swap-ack', point: point(turn), peerId }),
  application: () => ({ kind: 'application', payload: new Uint8Array(100) }),
  disconnect: () => ({ kind: 'disconnect', code: 1, text: 'bye', comeBackAfterMs: 0 })
}

/** A length, the tag of the kind, and nothing in it. */
const emptyFrame = (kind: number): Uint8Array => Uint8Array.of(2, (kind << 3) | 2, 0)
const emptyTexts = (points: number, ownPoints: number): PoolMessage => ({
  kind: 'advertise',
  points: Array<string>(points).fill(''),
  ownPoints: ownPoints === 0 ? undefined : Array<string>(ownPoints).fill('')
})

const frames = new Map<string, (turn: number) => Uint8Array>([
  ...Object.entries(wellFormed).map(([name, message]): [string, (turn: number) => Uint8Array] => [
    name,
    (turn) => encodeMessages([message(turn)])
  ]),
  ...kinds.flatMap((name, kind): [string, () => Uint8Array][] => (name === '' ? [] : [[`empty ${name}`, () => emptyFrame(kind)]])),
  ['advertise of empty own points', () => encodeMessages([emptyTexts(0, 8)])],
  ['advertise of empty points', () => encodeMessages([emptyTexts(100, 0)])],
  ['empty message of an unknown kind', () => emptyFrame(15)],
  ['empty frame', () => Uint8Array.of(0)]
])

const readings = ['read', 'unread'] as const
type Reading = (typeof readings)[number]

/** Joins, floods, and reads what comes back or not. */
const flooder = defineRole(import.meta.url, 'flooder', async ({ target }: { target: string }) => {
  let node: Libp2p | undefined
  let pool: PoolStream | undefined
  return {
    join: async ({ host, reading }: { host: string; reading: Reading }): Promise<string> => {
      node = await strangerAt(host)
      pool = await joinPool(await dialAgain(node, target))
      if (pool === undefined) throw new Error('the victim refused the attacker before it did anything')
      if (reading === 'unread') pool.stream.pause()
      return node.peerId.toString()
    },
    flood: (name: string): void => {
      pool?.stream.send(floodOf(frames.get(name) ?? (() => Uint8Array.of(0))))
    },
    leave: async (): Promise<void> => node?.stop()
  }
})

function floodOf(frame: (turn: number) => Uint8Array): Uint8Array {
  const flood: Uint8Array[] = []
  let length = 0
  for (let turn = 0; length < floodBytes; turn++) {
    const next = frame(turn)
    flood.push(next)
    length += next.length
  }
  return Buffer.concat(flood.slice(0, -1))
}

/** Peers that are there and say nothing: some messages cost more in a pool with company. */
const company = defineRole(import.meta.url, 'company', async ({ target }: { target: string }) => {
  for (let i = 0; i < companions; i++) await joinPool(await dialAgain(await strangerAt(spreadAttackerHost(i)), target))
  return {}
})

interface Cost {
  readonly member: string
  readonly longestTurnMs: number
  readonly processorMs: number
  readonly heldBytes: number
}

/** Every kind, to an application that answers each message and a peer that reads, or to neither. */
async function floodWith(lab: Lab, reading: Reading): Promise<Cost[]> {
  const target = await lab.start(victim, { application: reading === 'read' ? 'answer' : 'leave' })
  const attacker = await lab.start(flooder, { target: `/ip4/${victimHost}/tcp/${tcpPort}/p2p/${await target.ask.id()}` })
  await lab.start(company, { target: `/ip4/${victimHost}/tcp/${tcpPort}/p2p/${await target.ask.id()}` })
  await target.ask.calibrate(2_000)
  const costs: Cost[] = []
  // Once for nothing: what the first fault costs is a table of fixed size.
  await attacker.ask.join({ host: attackerHost(250), reading })
  await attacker.ask.flood('hello')
  await pause(500)
  await attacker.ask.leave()
  for (const member of frames.keys()) {
    // From another host each time: some of these are faults, after which a host is not let in for a day.
    const id = await attacker.ask.join({ host: attackerHost(costs.length + 1), reading })
    await until(() => target.ask.isConnectedWith(id), { deadlineMs: 5_000 })
    await target.ask.beginMeasuring()
    await attacker.ask.flood(member)
    await pause(watchMs)
    costs.push({ member: `${member}, ${reading}`, ...(await target.ask.measured()) })
    await attacker.ask.leave()
    await until(async () => (await target.ask.facts()).running.length <= companions, { deadlineMs: 10_000 })
  }
  await Promise.all([target.kill(), attacker.kill()])
  return costs
}

async function floodAll(lab: Lab): Promise<Finding> {
  const costs: Cost[] = []
  for (const reading of readings) costs.push(...(await floodWith(lab, reading)))
  const isMet = (cost: Cost): boolean =>
    cost.longestTurnMs <= limits.turnMs && cost.processorMs <= limits.processorMs && cost.heldBytes <= limits.heldBytes
  const missed = costs.filter((cost) => !isMet(cost))
  const worst = (figure: (cost: Cost) => number): Cost => costs.reduce((a, b) => (figure(b) > figure(a) ? b : a))
  const turn = worst(({ longestTurnMs }) => longestTurnMs)
  const processor = worst(({ processorMs }) => processorMs)
  const held = worst(({ heldBytes }) => heldBytes)
  const kept = `${costs.length - missed.length} of ${costs.length} members within the target`
  const figures = [
    `longest turn ${Math.round(turn.longestTurnMs)} ms (${turn.member})`,
    `${(processor.processorMs / 1_000).toFixed(2)} s of processor time (${processor.member})`,
    `${(held.heldBytes / 2 ** 20).toFixed(1)} MiB held (${held.member})`
  ]
  for (const cost of missed) console.error(cost)
  return { measured: `${kept}; at worst ${figures.join(', ')}`, verdict: missed.length === 0 ? 'met' : 'missed' }
}

export const messageRows: readonly Row[] = [
  {
    name: 'message-floods',
    attack: '250 kB of each message kind: well formed, empty, read, unread',
    target: 'no turn of the event loop over 50 ms; 0.3 s of processor time; 2 MiB held',
    deadlineMs: 300_000,
    alone: true,
    run: floodAll
  }
]
