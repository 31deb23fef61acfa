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
import { hostileShareConnected, hostileShareKnown } from './hostile/honest.ts'
import { hostilePoint, Intruder } from './hostile/intruder.ts'
import type { Machine } from './machine.ts'
import { fillS, type Look, type MachineKind, type MarkKind, meetS, type Story } from './playground-figures.ts'
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
  #seconds = { up: 0, inBand: 0, split: 0 }
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

  /** Each connection once, as the numbers of its two marks. */
  links(): Uint16Array<ArrayBuffer> {
    const marks = [...this.sim.machines, ...this.#liars]
    const byPeer = new Map<string, number>(marks.map(({ network }, index) => [network.peerId, index]))
    const ends: number[] = []
    for (const { index, program } of this.sim.up)
      for (const { peerId } of program?.state.connections() ?? []) {
        const other = byPeer.get(peerId)
        if (other !== undefined && index < other) ends.push(index, other)
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
    const { up, inBand, split } = this.#seconds
    return {
      atS: this.#second,
      timeInBand: up === 0 ? 0 : inBand / up,
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
    const counts = up.map(({ active }) => active)
    const total = { dials: sim.log.count('dial-started'), opened: this.#opened }
    const { dials, opened } = this.#told
    this.#told = total
    const mean = (share: (machine: Machine) => number): number => up.reduce((sum, one) => sum + share(one), 0) / Math.max(1, up.length)
    const hasLiars = this.#liars.length > 0
    return {
      atS: this.#second,
      up: up.length,
      inBand: up.filter((machine) => machine.active >= this.#settings.min).length,
      least: up.length === 0 ? 0 : Math.min(...counts),
      mean: mean(({ active }) => active),
      most: Math.max(0, ...counts),
      parts: componentsOf(sim.machines),
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

  #count(): void {
    const { up, machines } = this.sim
    if (this.#second > fillS) {
      this.#seconds.up += up.length
      this.#seconds.inBand += up.filter(({ active }) => active >= this.#settings.min).length
    }
    if (this.#second > meetS && componentsOf(machines) > 1) this.#seconds.split++
  }

  #do(act: Act): void {
    const { sim } = this
    sim.note(act)
    if (act === 'kill-relays') for (const relay of this.#relays) sim.kill(relay)
    if (act === 'start-relays') for (const relay of this.#relays) void relay.start()
    if (act === 'kill-half') for (const machine of sim.machines) if (machine.index % 2 === 1) sim.kill(machine)
    if (act === 'start-all') for (const machine of sim.machines) void machine.start()
    if (act === 'split') sim.partition(({ index }) => index % 2)
    if (act === 'heal') sim.heal()
    this.#reserve()
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
