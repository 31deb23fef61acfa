/**
 * Many machines, one clock, one network, one seed: everything that happens is a function of the seed. A scenario adds
 * machines, lets time pass, does them harm, and reads figures; after each step the invariants of the pools it touched are
 * held against `invariants.ts` and `cross-invariants.ts`.
 */
import type { PoolOptions } from '../../src/core/index.ts'
import type { Point } from '../../src/core/values/ids.ts'
import type { Random } from '../../src/core/values/ports.ts'
import type { LinkOwner } from '../../src/testing/memory-link.ts'
import { MemoryHub } from '../../src/testing/memory-network.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { violatedInvariants } from '../support/invariants.ts'
import { brokenInProgram } from './cross-invariants.ts'
import { EventLog } from './event-log.ts'
import { Machine } from './machine.ts'
import { addressOf, WorldMap } from './world-map.ts'

/**
 * When invariants are checked: after every step, of every pool that the step touched; or of one touched pool in so many
 * steps, for worlds in which a walk over all tables costs more than the world itself.
 */
export type Checking = { readonly everySteps: number }

export interface SimulationOptions {
  readonly seed: number
  /** Of every pool, unless `add` says otherwise. */
  readonly options?: Partial<PoolOptions>
  /** @default every step */
  readonly checking?: Checking | undefined
}

/** Violations kept; the first ones tell the story. */
const maxViolations = 20

/** A silent link is given up after this by both ends, ms. */
const keepAliveMs = 30_000

export class Simulation {
  readonly seed: number
  readonly clock = new VirtualClock()
  readonly random: Random
  readonly hub: MemoryHub
  readonly map: WorldMap
  readonly log = new EventLog()
  readonly machines: Machine[] = []
  readonly violations: string[] = []
  readonly #options: Partial<PoolOptions>
  readonly #checkEvery: number
  /** One or two: a set that is cleared in each step would be a new table in each step. */
  readonly #touched: Machine[] = []
  #made = 0
  readonly #byOwner = new Map<LinkOwner, Machine>()
  #sides: ((machine: Machine) => number) | undefined

  constructor({ seed, options = {}, checking = { everySteps: 1 } }: SimulationOptions) {
    this.seed = seed
    this.#options = options
    this.#checkEvery = checking.everySteps
    this.random = seededRandom(seed)
    this.map = new WorldMap(seededRandom(seed ^ 0x5eed))
    this.hub = new MemoryHub({ clock: this.clock, random: this.random, latencyMs: (from, to) => this.map.latencyMs(from, to) })
    this.hub.reaches = (from, to) => this.#reaches(from, to)
    this.clock.onStep = (timer) => this.#stepped(timer)
  }

  /** One more machine, switched off. `page`: it is reached over relays and introducers alone. */
  add(options: Partial<PoolOptions> = {}, { page = false } = {}): Machine {
    const index = this.#made++
    const network = this.hub.node(`peer${index}`, page ? { page } : { point: addressOf(index) })
    const machine = new Machine({
      index,
      world: this.clock,
      network,
      seed: this.seed * 1_000_003 + index * 31,
      options: { ...this.#options, ...options },
      onEvent: (from, event) => this.log.event(this.clock.now(), from.index, event),
      onError: (from, message) => this.#violated(`machine ${from.index} complains: ${message}`),
      onTouched: (touched) => {
        if (!this.#touched.includes(touched)) this.#touched.push(touched)
      }
    })
    this.map.settle(network)
    this.#byOwner.set(network, machine)
    this.machines.push(machine)
    return machine
  }

  /** Forgets a machine that has ended and will not come back. */
  remove(machine: Machine): void {
    this.machines.splice(this.machines.indexOf(machine), 1)
    this.#byOwner.delete(machine.network)
    this.hub.remove(machine.network)
    machine.forget()
  }

  /** Do its pools introduce each other? */
  get introductions(): boolean {
    return this.#options.introductions === true
  }

  /** Machines whose pool runs now. */
  get up(): Machine[] {
    return this.machines.filter(({ pool }) => pool !== undefined)
  }

  /** Lets virtual time pass. */
  async run(ms: number): Promise<void> {
    await this.clock.advance(ms)
  }

  /** Starts machines at random instants within `spreadMs`, without waiting for them. */
  startAll(machines: readonly Machine[], spreadMs = 1_000): void {
    for (const machine of machines) this.at(this.random.next() * spreadMs, () => void machine.start())
  }

  /** Does something to the world after a while; returns the cancellation. */
  at(delayMs: number, act: () => void): () => void {
    return this.clock.schedule(delayMs, act)
  }

  /** A line in the event log. */
  note(text: string): void {
    this.log.note(this.clock.now(), text)
  }

  /** Divides the machines: nothing gets from one side to another. Links across fall when nothing was heard for a while. */
  partition(sideOf: (machine: Machine) => number): void {
    this.#sides = sideOf
    this.note('partition')
    this.#breakSilent()
  }

  heal(): void {
    this.#sides = undefined
    this.note('healed')
  }

  /** Kills a program, or with `dark` its whole machine, which nobody is told of. */
  kill(machine: Machine, { dark = false } = {}): void {
    this.note(`machine ${machine.index} dies${dark ? ' silently' : ''}`)
    machine.kill({ dark })
    if (dark) this.#breakSilent()
  }

  /** Puts a machine to sleep, which others learn by its silence. */
  sleep(machine: Machine): void {
    this.note(`machine ${machine.index} sleeps`)
    void machine.sleep().then(() => this.#breakSilent())
  }

  /** Holds the state of one machine, or of all, against the invariants. */
  check(machines: readonly Machine[] = this.machines): void {
    for (const { index, program } of machines) {
      if (program === undefined) continue
      for (const violation of [...violatedInvariants(program.state), ...brokenInProgram(program)])
        this.#violated(`machine ${index}: ${violation}`)
    }
  }

  /** Writes down what a check of a scenario found. */
  found(violations: Iterable<string>): void {
    for (const violation of violations) this.#violated(violation)
  }

  #stepped(timer: number): void {
    this.log.step(timer)
    if (this.#touched.length === 0) return
    if (this.clock.steps % this.#checkEvery === 0) {
      for (const machine of this.#touched) this.#checkTouched(machine)
    }
    this.#touched.length = 0
  }

  /** The walk over all tables only if something in them moved. */
  #checkTouched(machine: Machine): void {
    if (machine.hasChanged) this.check([machine])
    else if (machine.program !== undefined) {
      for (const violation of brokenInProgram(machine.program)) this.#violated(`machine ${machine.index}: ${violation}`)
    }
    machine.hasChanged = false
  }

  #violated(text: string): void {
    if (this.violations.length < maxViolations) this.violations.push(`${this.clock.now().toFixed(0)} ms: ${text}`)
  }

  #breakSilent(): void {
    this.clock.schedule(keepAliveMs, () => this.hub.breakSilentLinks())
  }

  #reaches(from: LinkOwner, to: LinkOwner): boolean {
    if (this.#sides === undefined) return true
    const [a, b] = [this.#byOwner.get(from), this.#byOwner.get(to)]
    return a === undefined || b === undefined || this.#sides(a) === this.#sides(b)
  }
}

/** The point of a machine, for those that are told where to begin. */
export function pointOf(machine: Machine): Point {
  return machine.network.point
}
