/**
 * What goes wrong in a fault run, and what operators do meanwhile: by chance, every few seconds of virtual time. Everything
 * that lasts is undone by `end`, so that what is broken afterwards is broken by the pools.
 */
import type { PeerPool } from '../../src/core/index.ts'
import { hostOf } from '../../src/core/values/address.ts'
import { PoolError } from '../../src/core/values/reason.ts'
import type { Machine } from './machine.ts'
import { pointOf, type Simulation } from './simulation.ts'

/** Between two of them, on average, ms. */
const pauseMs = 2_000
/** A machine is away, a network divided or slow, for up to so long, ms. */
const maxLastMs = 60_000
const day = 86_400_000
/** How somebody may set a wall clock: a little, an hour, ten years, forward and back. */
const clockErrors = [0, 1_000, -1_000, day / 24, -day / 24, 3_650 * day, -3_650 * day]

export class Mischief {
  readonly #sim: Simulation
  /** Undo what lasts; each runs once. */
  readonly #pending = new Set<() => void>()
  /** Promises of the pools that must settle, with what they are. */
  readonly #open = new Map<Promise<unknown>, string>()
  count = 0

  constructor(sim: Simulation) {
    this.#sim = sim
  }

  async go(forMs: number): Promise<void> {
    const end = this.#sim.clock.now() + forMs
    while (this.#sim.clock.now() < end) {
      const [name, act] = this.#pick(this.#acts)
      this.#sim.note(name)
      this.count++
      act()
      await this.#sim.run(this.#sim.random.next() * 2 * pauseMs)
    }
  }

  /** The world is well again: everybody runs, nobody is banned, nothing is slow. */
  end(): void {
    for (const undo of [...this.#pending]) undo()
    const { map, machines } = this.#sim
    this.#sim.heal()
    map.loss = 0
    map.slowness = 1
    for (const machine of machines) {
      machine.setDateOffset(0)
      void machine.start().then(() => {
        machine.program?.pool.clearAcl()
        machine.program?.pool.resume()
      })
    }
  }

  /** What a pool promised and did not keep. Programs that were killed keep nothing. */
  unsettled(): string[] {
    return [...this.#open.values()].map((what) => `${what} has never settled`)
  }

  readonly #acts: readonly (readonly [string, () => void])[] = [
    ...repeated(4, 'kill', () => this.#kill(false)),
    ...repeated(2, 'kill silently', () => this.#kill(true)),
    ...repeated(3, 'stop', () => this.#stop()),
    ...repeated(2, 'partition', () => this.#partition()),
    ...repeated(4, 'break a link', () => this.#pick([...this.#sim.hub.links])?.breakBoth()),
    [
      'loss',
      () =>
        this.#lasting(
          () => this.#lose(this.#sim.random.next() * 0.4),
          () => this.#lose(0)
        )
    ],
    [
      'slowness',
      () =>
        this.#lasting(
          () => this.#slow(1 + this.#sim.random.next() * 30),
          () => this.#slow(1)
        )
    ],
    ...repeated(2, 'set a clock', () => this.#machine()?.setDateOffset(this.#pick(clockErrors))),
    ...repeated(2, 'ban a peer', () => this.#banPeer()),
    ...repeated(2, 'ban a host', () => this.#banHost()),
    ...repeated(2, 'trust', () => this.#trust()),
    ...repeated(3, 'connect', () => this.#connect()),
    ...repeated(2, 'disconnect', () => this.#disconnect()),
    [
      'tear down',
      () => this.#with((pool, machine) => this.#settles('tear down', pool.tearDownConnections({ kind: 'explicit', text: 'all' }), machine))
    ],
    ['suspend', () => this.#suspend()],
    ['set the band', () => this.#setBand()],
    ...repeated(3, 'maintain', () => this.#with((pool, machine) => this.#settles('maintain', pool.maintain(), machine))),
    ['save', () => this.#with((pool, machine) => this.#settles('savePeers', pool.savePeers(), machine))],
    ['forget the greylists', () => this.#with((pool) => pool.clearGreylist())]
  ]

  #kill(dark: boolean): void {
    const machine = this.#machine()
    if (machine === undefined) return
    for (const [promise, what] of this.#open) if (what.startsWith(`machine ${machine.index} `)) this.#open.delete(promise)
    this.#lasting(
      () => this.#sim.kill(machine, { dark }),
      () => void machine.start()
    )
  }

  #stop(): void {
    const machine = this.#machine()
    if (machine === undefined) return
    this.#lasting(
      () => this.#settles('stop', machine.stop(), machine),
      () => void machine.start()
    )
  }

  #partition(): void {
    const share = this.#sim.random.next()
    const aside = new Set(this.#sim.machines.filter(() => this.#sim.random.next() < share))
    this.#lasting(
      () => this.#sim.partition((machine) => Number(aside.has(machine))),
      () => this.#sim.heal()
    )
  }

  #lose(share: number): void {
    this.#sim.map.loss = share
  }

  #slow(times: number): void {
    this.#sim.map.slowness = times
  }

  #banPeer(): void {
    const { peerId } = this.#pick(this.#sim.machines).network
    this.#with((pool, machine) => {
      if (peerId === pool.peerId) return
      const isNow = (): boolean => machine.program?.pool === pool
      this.#lasting(
        () => this.#settles('ban', pool.peers.ban(peerId), machine),
        () => isNow() && pool.peers.unban(peerId)
      )
    })
  }

  #banHost(): void {
    const point = pointOf(this.#pick(this.#sim.machines))
    const banPeers = this.#sim.random.next() < 0.5
    this.#with((pool, machine) => {
      const isNow = (): boolean => machine.program?.pool === pool
      if (hostOf(point) === hostOf(pointOf(machine))) return
      this.#lasting(
        () => this.#settles('ban', pool.points.ban(point, { banPeers }), machine),
        () => isNow() && pool.points.unban(point)
      )
    })
  }

  #trust(): void {
    const other = this.#pick(this.#sim.machines)
    this.#with((pool, machine) => {
      if (other === machine) return
      const verb = this.#pick(['trust', 'untrust'] as const)
      try {
        if (this.#sim.random.next() < 0.5) pool.points[verb](pointOf(other))
        else pool.peers[verb](other.network.peerId)
      } catch (error) {
        if (!(error instanceof PoolError)) throw error
      }
    })
  }

  #connect(): void {
    const point = pointOf(this.#pick(this.#sim.machines))
    this.#with((pool, machine) => this.#settles('connect', pool.connect(point), machine))
  }

  #disconnect(): void {
    this.#with((pool, machine) => {
      const connection = this.#pick(pool.connections.list())
      if (connection !== undefined) this.#settles('disconnect', pool.disconnect(connection.peerId), machine)
    })
  }

  #suspend(): void {
    const keep = this.#pick(['band', 'all', 'none'] as const)
    this.#with((pool, machine) =>
      this.#lasting(
        () => this.#settles('suspend', pool.suspend({ keep }), machine),
        () => machine.program?.pool === pool && pool.resume()
      )
    )
  }

  #setBand(): void {
    const max = 1 + Math.floor(this.#sim.random.next() * 10)
    const other = { min: Math.floor(max / 3), expected: Math.floor(max / 2), max }
    this.#with((pool, machine) => {
      const { minConnections, expectedConnections, maxConnections } = pool.config
      const ordinary = { min: minConnections, expected: expectedConnections, max: maxConnections }
      this.#lasting(
        () => pool.setBand(other),
        () => machine.program?.pool === pool && pool.setBand(ordinary)
      )
    })
  }

  /** Does it now and undoes it after a while, or at the end of all mischief. */
  #lasting(act: () => void, undo: () => unknown): void {
    act()
    const once = (): void => {
      cancel()
      if (this.#pending.delete(once)) undo()
    }
    this.#pending.add(once)
    const cancel = this.#sim.at(this.#sim.random.next() * maxLastMs, once)
  }

  /** Remembers the promise until it settles; a rejection must be a `PoolError`. */
  #settles(what: string, promise: Promise<unknown>, machine: Machine): void {
    const settled = (error?: unknown): void => {
      this.#open.delete(promise)
      if (error !== undefined && !(error instanceof PoolError)) this.#sim.found([`${what} rejected with ${String(error)}`])
    }
    this.#open.set(promise, `machine ${machine.index} ${what}`)
    promise.then(() => settled(), settled)
  }

  #machine(): Machine | undefined {
    return this.#pick(this.#sim.up)
  }

  #with(act: (pool: PeerPool, machine: Machine) => void): void {
    const machine = this.#machine()
    if (machine?.pool !== undefined) act(machine.pool, machine)
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#sim.random.next() * from.length)] as T
  }
}

function repeated<T>(count: number, name: string, act: T): (readonly [string, T])[] {
  return Array.from({ length: count }, () => [name, act] as const)
}
