/** A process of nodes of one kind, which does what it is asked. Started by `processes.ts`. */
import process from 'node:process'
import { Recording } from '../src/recording/recording.ts'
import { alone, BareSide, machineMs, PoolSide, type Side, type Way } from './sides.ts'
import { collectGarbage, pause } from './timing.ts'

/** Of the one recorded node. */
const recording = new Recording()

const makers = {
  bare: () => BareSide.make(),
  /** With libp2p's own check of idle connections. */
  monitored: () => BareSide.make({ isMonitored: true }),
  'bare-ws': () => BareSide.make({ listens: 'ws' }),
  'bare-relay': () => BareSide.make({ listens: 'ws', isRelay: true }),
  pool: () => PoolSide.make(),
  /** With a band that the connections fill. */
  preset: (connections) => PoolSide.preset({ expectedConnections: connections }),
  /** With room for more. */
  wide: (connections) => PoolSide.preset({ expectedConnections: connections, maxConnections: 3 * connections }),
  recorded: (connections) => PoolSide.preset({ expectedConnections: connections, maxConnections: 3 * connections, recording }),
  'preset-ws': () => PoolSide.preset({ listens: 'ws' }),
  relay: () => PoolSide.preset({ listens: 'ws', isRelay: true })
} satisfies Readonly<Record<string, (connections: number) => Promise<Side>>>

export type Kind = keyof typeof makers

const sides: Side[] = []

function side(at = 0): Side {
  const found = sides[at]
  if (found === undefined) throw new Error(`no node ${at} of ${sides.length}`)
  return found
}

const verbs = {
  /** Makes nodes, one after the other; their addresses. */
  async make(kind: Kind, count: number, connections = 0): Promise<string[]> {
    const made: Side[] = []
    while (made.length < count) made.push(await makers[kind](connections))
    sides.push(...made)
    return made.map(({ address }) => address)
  },

  async stop(from: number, count: number): Promise<void> {
    for (const { node } of sides.slice(from, from + count)) await node.stop()
  },

  async connect(address: string, from = 0): Promise<{ startedAt: number; ranAt: number }> {
    const startedAt = machineMs()
    await side(from).connect(address)
    return { startedAt, ranAt: machineMs() }
  },

  /** A connection with one open stream: the pool's own, or one of a bare node. */
  async hold(address: string, from: number): Promise<void> {
    const node = side(from)
    await (node instanceof BareSide ? node.hold(address) : node.connect(address))
  },

  lastRanAt: (): number => side().lastRanAt,
  connections: (): number => side().node.getConnections().length,
  part: (): Promise<void> => side().part(),
  alone: (): Promise<void> => alone(side().node),

  async send(size: number, count: number, way: Way): Promise<number> {
    const message = new Uint8Array(size).fill(7)
    const startedAt = machineMs()
    await side().send(message, count, way)
    return startedAt
  },

  async receive(size: number, count: number, way: Way): Promise<number> {
    await side().receive(size, count, way)
    return machineMs()
  },

  /** The first node reads what comes. */
  read(): void {
    const reader = side()
    if (reader instanceof PoolSide) reader.read()
  },

  /** Every node sends a message on each of its connections every second, spread over that second, for so long. */
  async talk(size: number, forMs: number): Promise<void> {
    const message = new Uint8Array(size).fill(7)
    const until = machineMs() + forMs
    await Promise.all(
      sides.map(async (one, i) => {
        await pause((i * 1_000) / sides.length)
        while (machineMs() < until) {
          const next = pause(1_000)
          if (one instanceof PoolSide) one.pool.broadcast(message)
          await next
        }
      })
    )
  },

  recordedBytes: async (): Promise<number> => (await recording.save()).length,

  /** Heap, and buffers outside it, after what lingers has gone. */
  async heldBytes(settleMs: number): Promise<number> {
    await pause(settleMs)
    for (let i = 0; i < 6; i++) {
      collectGarbage()
      await pause(20)
    }
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
}

export type Verbs = typeof verbs
export type VerbName = keyof Verbs

export interface Call {
  readonly id: number
  readonly verb: VerbName
  readonly args: readonly unknown[]
}

export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

process.on('message', ({ id, verb, args }: Call) => {
  const run = verbs[verb] as (...args: readonly unknown[]) => unknown
  Promise.resolve()
    .then(() => run(...args))
    .then(
      (value) => process.send?.({ id, value } satisfies Answer),
      (error: unknown) => process.send?.({ id, error: String(error) } satisfies Answer)
    )
})
process.on('disconnect', () => process.exit())
