/**
 * The world of the playground: relays, Node peers, and pages that nobody can dial but over a relay, under churn and liars, in steps of one
 * virtual second. What a visitor does is part of the world's settings, so that the same text gives the same run, in a page and in
 * `npm run sim`.
 *
 * A connection over a relay is direct once it is there, as WebRTC is: it outlives the relay. What ends with a relay are the addresses of
 * the pages that it served.
 */
import type { Point } from '../../src/core/values/ids.ts'
import { componentsOf } from './graph.ts'
import { halvesOf } from './halves.ts'
import { hostileShareConnected, hostileShareKnown } from './hostile/honest.ts'
import { hostilePoint, Intruder } from './hostile/intruder.ts'
import type { Machine } from './machine.ts'
import { type Connected, fillS, type Look, type MachineKind, type MarkKind, meetS, type Story } from './playground-figures.ts'
import { pointOf, Simulation } from './simulation.ts'
import { type Act, type WorldSettings, whyNoAct } from './world-settings.ts'

/** Relays at which a page has a reservation, while there are as many. */
const reservationsPerPage = 2
/** How long a page that lost a relay takes to reserve at another, s. */
const reserveEveryS = 1
/** One that died is back after so long at most, ms. */
const maxAwayMs = 60_000
/** Of those that die, so many say goodbye, and so many go dark. The machine of the others tells their peers. */
const politeShare = 0.25
const darkShare = 0.25
/** A liar advertises so many addresses in one message. */
const liesPerMessage = 100
/** A liar dials so many pools a minute. */
const liarDialsPerMinute = 6
/** Parts of a second between which a step asks whether it goes on. */
const slicesPerSecond = 20
/** All pools begin within so long, ms: a crowd in one instant is another story. */
const startWithinMs = 10_000

export class PlaygroundWorld {
  readonly sim: Simulation
  readonly kinds: readonly MachineKind[]
  #settings: WorldSettings
  readonly #relays: readonly Machine[]
  readonly #liars: Intruder[] = []
  /** The relays of each page, by its index. */
  readonly #reserved = new Map<Machine, readonly Machine[]>()
  #second = 0
  #isStepping = false
  #told = { dials: 0, opened: 0 }
  #deaths = 0
  #seconds = { up: 0, withMinimum: 0, split: 0 }
  /** The half of each pool, 0 or 1, while the network is split. */
  #sides: ReadonlyMap<Machine, number> | undefined
  #nextLie = 1_000

  constructor(settings: WorldSettings) {
    this.#settings = settings
    const { pools, seed, min, expected, max, relays, pages } = settings
    const options = { minConnections: min, expectedConnections: expected, maxConnections: max }
    // Whoever looks at thousands of pools sees the figures. The invariants have tests of their own.
    this.sim = new Simulation({ seed, options, checking: { everySteps: 1_000_000 } })
    const pagesCount = Math.min(Math.round((pools * pages) / 100), pools - relays)
    this.kinds = Array.from({ length: pools }, (_, i) => (i < relays ? 'relay' : i < pools - pagesCount ? 'node' : 'page'))
    // All know the relays by configuration, and keep a connection with each: a third of that span is open to those who come.
    const known = { max: Math.max(400, 2 * pools), target: Math.max(300, pools + pools / 2) }
    const roomy = { ...options, maxConnections: expected + 3 * pools, maxKnownPeers: known, maxKnownPoints: known, maxIncoming: pools }
    this.#relays = Array.from({ length: relays }, () => this.sim.add(roomy))
    const trustedPoints = this.#relays.map((relay) => ({ point: pointOf(relay), expectedPeerId: relay.network.peerId }))
    for (const kind of this.kinds.slice(relays)) {
      const machine = this.sim.add({ trustedPoints })
      if (kind === 'page') machine.network.announce()
    }
    // Servers run before their visitors come.
    this.sim.startAll(this.#relays, 0)
    this.sim.startAll(this.sim.machines.slice(relays), startWithinMs)
    this.#addLiars()
  }

  get second(): number {
    return this.#second
  }

  /** What stands on the map: the pools by their numbers, then the liars. */
  get marks(): readonly MarkKind[] {
    return [...this.kinds, ...this.#liars.map(() => 'liar' as const)]
  }

  /** Where each mark is, two numbers from 0 to 1: distance is latency. */
  get places(): number[] {
    return [...this.sim.machines, ...this.#liars].flatMap(({ network }) => this.sim.map.placeOf(network))
  }

  /** The half of each mark while the network is split. A liar is in both: 2. */
  get sides(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#sides === undefined) return undefined
    const sides = new Uint8Array(this.marks.length).fill(2)
    for (const [{ index }, side] of this.#sides) sides[index] = side
    return sides
  }

  /** Each connection once, as the numbers of its two marks. Nothing gets across a split, so links across it are left out. */
  links(): Uint16Array<ArrayBuffer> {
    const sides = this.sides
    const isAcross = (one: number, other: number): boolean => sides !== undefined && (sides[one] ?? 0) + (sides[other] ?? 0) === 1
    const marks = [...this.sim.machines, ...this.#liars]
    const byPeer = new Map<string, number>(marks.map(({ network }, index) => [network.peerId, index]))
    const ends: number[] = []
    for (const { index, program } of this.sim.up)
      for (const { peerId } of program?.state.connections() ?? []) {
        const other = byPeer.get(peerId)
        if (other !== undefined && index < other && !isAcross(index, other)) ends.push(index, other)
      }
    return new Uint16Array(ends)
  }

  get settings(): WorldSettings {
    return this.#settings
  }

  /**
   * Does it at the beginning of the next second that has not begun. From now on it is part of the settings. False: the world takes no further
   * act (`whyNoAct`), and nothing is done.
   */
  act(act: Act): boolean {
    const atS = this.#isStepping ? this.#second + 1 : this.#second
    if (whyNoAct(this.#settings, atS) !== undefined) return false
    this.#settings = { ...this.#settings, acts: [...this.#settings.acts, { atS, act }].sort((a, b) => a.atS - b.atS) }
    return true
  }

  kindOf({ index }: Machine): MachineKind {
    return this.kinds[index] ?? 'node'
  }

  /**
   * What is to happen in this second, and a second of virtual time. A second of a thousand pools can take seconds: `between` is asked a few
   * times meanwhile. False ends it there, and the world with it.
   */
  async step(between: () => Promise<boolean> | true = () => true): Promise<void> {
    const { sim } = this
    this.#isStepping = true
    for (const { atS, act } of this.#settings.acts) if (atS === this.#second) this.#do(act)
    this.#churn()
    if (this.#second % reserveEveryS === 0) this.#reserve()
    this.#lie()
    for (let slice = 1; slice <= slicesPerSecond; slice++) {
      await sim.run(1_000 / slicesPerSecond)
      if (slice < slicesPerSecond && !(await between())) return
    }
    this.#second++
    this.#isStepping = false
    this.#count()
  }

  get story(): Story {
    const { log } = this.sim
    const { up, withMinimum, split } = this.#seconds
    return {
      atS: this.#second,
      timeWithMinimum: up === 0 ? 0 : withMinimum / up,
      splitS: split,
      deaths: this.#deaths,
      dials: log.count('dial-started'),
      opened: this.#opened,
      hash: log.hash
    }
  }

  look(): Look {
    const { sim } = this
    const up = sim.up
    const total = { dials: sim.log.count('dial-started'), opened: this.#opened }
    const { dials, opened } = this.#told
    this.#told = total
    const mean = (share: (machine: Machine) => number): number => up.reduce((sum, one) => sum + share(one), 0) / Math.max(1, up.length)
    const hasLiars = this.#liars.length > 0
    return {
      atS: this.#second,
      up: up.length,
      withMinimum: up.filter((machine) => this.#hasMinimum(machine)).length,
      relays: this.#connected(up.filter((machine) => this.kindOf(machine) === 'relay')),
      others: this.#connected(up.filter((machine) => this.kindOf(machine) !== 'relay')),
      parts: this.#parts,
      halves: Math.max(1, new Set(up.map((machine) => this.#sides?.get(machine))).size),
      dials: total.dials - dials,
      opened: total.opened - opened,
      hostileKnown: hasLiars ? mean(hostileShareKnown) : 0,
      hostileConnected: hasLiars ? mean(hostileShareConnected) : 0
    }
  }

  /** Both ends tell of a connection; a liar has no pool that would. */
  get #opened(): number {
    return Math.round(this.sim.log.count('connection-opened') / 2)
  }

  #hasMinimum({ active }: Machine): boolean {
    return active >= this.#settings.min
  }

  #connected(pools: readonly Machine[]): Connected {
    const counts = pools.map(({ active }) => active)
    return {
      up: pools.length,
      withMinimum: pools.filter((machine) => this.#hasMinimum(machine)).length,
      least: pools.length === 0 ? 0 : Math.min(...counts),
      mean: counts.reduce((sum, count) => sum + count, 0) / Math.max(1, pools.length),
      most: Math.max(0, ...counts)
    }
  }

  /** A pool may take a minute to see that a connection across a split is dead. The parts are counted without such connections. */
  get #parts(): number {
    const { machines } = this.sim
    const sides = this.#sides
    if (sides === undefined) return componentsOf(machines)
    return [0, 1].reduce((sum, side) => sum + componentsOf(machines.filter((machine) => sides.get(machine) === side)), 0)
  }

  #count(): void {
    const { up } = this.sim
    if (this.#second > fillS) {
      this.#seconds.up += up.length
      this.#seconds.withMinimum += up.filter((machine) => this.#hasMinimum(machine)).length
    }
    if (this.#second > meetS && this.#parts > 1) this.#seconds.split++
  }

  #do(act: Act): void {
    const { sim } = this
    sim.note(act)
    if (act === 'kill-relays') for (const relay of this.#relays) sim.kill(relay)
    if (act === 'start-relays') for (const relay of this.#relays) void relay.start()
    if (act === 'kill-half') for (const machine of this.#halvesOf(sim.up)[1]) sim.kill(machine)
    if (act === 'start-all') for (const machine of sim.machines) void machine.start()
    if (act === 'split') this.#split()
    if (act === 'heal') this.#heal()
    this.#reserve()
  }

  #halvesOf(pools: readonly Machine[]): ReturnType<typeof halvesOf> {
    return halvesOf(pools, { kindOf: (machine) => this.kindOf(machine), random: this.sim.random })
  }

  /** The pools that run are divided. The others are divided too, since they may start while the network is split. */
  #split(): void {
    const { sim } = this
    const off = sim.machines.filter(({ pool }) => pool === undefined)
    const sides = new Map(
      [sim.up, off].flatMap((pools) => this.#halvesOf(pools).flatMap((half, side) => half.map((one) => [one, side] as const)))
    )
    this.#sides = sides
    sim.partition((machine) => sides.get(machine) ?? 0)
  }

  #heal(): void {
    this.#sides = undefined
    this.sim.heal()
  }

  /** Relays are servers: they die by a visitor's hand alone. */
  #churn(): void {
    const { sim } = this
    const chance = this.#settings.churn / 100 / 60
    if (chance === 0) return
    for (const machine of sim.up) {
      if (this.kindOf(machine) === 'relay' || sim.random.next() >= chance) continue
      this.#deaths++
      const how = sim.random.next()
      if (how < politeShare) void machine.stop()
      else sim.kill(machine, { dark: how < politeShare + darkShare })
      sim.at(sim.random.next() * maxAwayMs, () => void machine.start())
    }
  }

  /** A page is reached at the relays where it has a reservation. A relay that died serves nobody; another one takes its place. */
  #reserve(): void {
    const running = this.#relays.filter(({ pool }) => pool !== undefined)
    for (const machine of this.sim.machines) {
      if (this.kindOf(machine) !== 'page') continue
      const before = this.#reserved.get(machine) ?? []
      const kept = before.filter((relay) => running.includes(relay))
      const free = running.filter((relay) => !kept.includes(relay))
      while (kept.length < reservationsPerPage && free.length > 0)
        kept.push(...free.splice(Math.floor(this.sim.random.next() * free.length), 1))
      if (kept.length === before.length && kept.every((relay, i) => relay === before[i])) continue
      this.#reserved.set(machine, kept)
      machine.network.announce(...kept.map((relay) => relayedPoint(relay, machine)))
    }
  }

  #addLiars(): void {
    const { pools, liars } = this.#settings
    for (let i = 0; i < Math.round((pools * liars) / 100); i++)
      this.#liars.push(
        new Intruder(this.sim, hostilePoint(i), {
          heard: (link, message, self) => {
            if (message.kind === 'bootstrap') self.say(link, { kind: 'advertise', points: this.#lies(), ownPoints: undefined })
          }
        })
      )
  }

  #lie(): void {
    const { random, up } = this.sim
    for (const liar of this.#liars) {
      const victim = random.next() < liarDialsPerMinute / 60 ? up[Math.floor(random.next() * up.length)] : undefined
      if (victim !== undefined && this.kindOf(victim) !== 'page') void liar.connect(pointOf(victim))
    }
  }

  /** Addresses where nobody is, other ones each time. */
  #lies(): Point[] {
    const from = this.#nextLie
    this.#nextLie += liesPerMessage
    return Array.from({ length: liesPerMessage }, (_, i) => hostilePoint(from + i))
  }
}

function relayedPoint(relay: Machine, { network }: Machine): Point {
  return `${pointOf(relay)}/p2p/${relay.network.peerId}/p2p-circuit/webrtc/p2p/${network.peerId}` as Point
}
