/**
 * Keeps the number of connections inside the band: waits for a reason to look, asks `planMaintenance`, carries the plan
 * out. It runs no loop: each look ends by setting one timer, and whatever changes the picture calls `kick`.
 */
import type { MaintenanceStatus } from '../decisions/foresight.ts'
import { type PlanOptions, planMaintenance } from '../decisions/plan.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { Point } from '../values/ids.ts'
import { PoolError } from '../values/reason.ts'
import type { Connector } from './connect.ts'
import type { FlowConnection, FlowContext } from './context.ts'
import type { Exchange } from './exchange.ts'
import type { Liveness } from './liveness.ts'
import type { Mixing } from './mixing.ts'

/**
 * The pause between two searches grows by this factor, up to the idle time, until a dial succeeds. Points alone are no success: a liar
 * always has some, and could have us dial hosts of its choice.
 */
const searchGrowth = 1.5

/** After these events maintenance looks at the band. */
const wakingEvents = [
  'connection-opened',
  'connection-closed',
  'connection-lost',
  'connection-failed',
  // When a ban ends, maintenance removes it.
  'peer-banned',
  'host-banned',
  'range-banned',
  'peer-unbanned',
  'host-unbanned',
  'range-unbanned',
  'trust-changed',
  'band-changed',
  'new-point'
] as const

/** A look that failed is repeated after this, ms. */
const retryMs = 5_000

/** Between two connections pruned without haste, ms: their peers must find others. */
const trimPauseMs = 5_000

/** A pruned peer is asked not to come back before, ms. */
const comeBackAfterMs = 300_000

const dayMs = 86_400_000

/** The pause between two searches grows no further than this where the config names no idle time, ms. */
const defaultIdleMs = 120_000

/** What maintenance does with connections. A page loads it beside its start. */
export interface MaintenanceParts {
  readonly exchange: Exchange
  readonly mixing: Mixing
  readonly liveness: Liveness
}

export class Maintenance {
  readonly #context: FlowContext
  readonly #connector: Connector
  /** Nothing is connected before they are there. */
  #parts: MaintenanceParts | undefined
  #running = false
  /** Asleep it keeps the band all the same, but neither swaps nor looks unless something happens. */
  #awake = true
  /** Between minThreshold and minTarget on the way up. */
  #filling = false
  /** The count in the last `too-many-connections`; 0: there are not too many. */
  #reported = 0
  #cancelTimer: () => void = () => undefined
  /** When the timer is due, monotonic; none: no timer. */
  #lookAt: number | undefined
  #kicked = false
  #searchPauseMs: number
  #nextSearchAt = Number.NEGATIVE_INFINITY
  #trimAt = Number.NEGATIVE_INFINITY
  /** When `mixing.ts` is next due. */
  #mixAt = Number.POSITIVE_INFINITY
  #passEnded: (() => void)[] = []

  constructor(context: FlowContext, connector: Connector) {
    this.#context = context
    this.#connector = connector
    this.#searchPauseMs = context.config.timeBetweenSearchesMs
    const { events } = context
    for (const type of wakingEvents) events.addEventListener(type, () => this.kick())
    // Without an attempt there was a refusal only, which frees nothing.
    events.addEventListener('handshake-refused', ({ detail }) => detail.attempt > 0 && this.kick())
    events.addEventListener('connection-opened', () => this.#parts?.liveness.established())
  }

  /** Takes over what is loaded beside the start. Called once. */
  adopt(parts: MaintenanceParts): void {
    this.#parts = parts
    if (this.#running && this.#awake) parts.liveness.start()
  }

  /** Every connection must answer now. */
  askAll(): void {
    this.#parts?.liveness.askAll()
  }

  /** What the next look would plan by, if it were at `now`. */
  planOptions(now: number): PlanOptions {
    const { network, random } = this.#context
    const canDial = (point: Point): boolean => network.canDial(point)
    return { now, random, canDial, filling: this.#filling, trimAt: this.#trimAt, awake: this.#awake }
  }

  get status(): MaintenanceStatus {
    const mixAt = this.#awake && this.#context.config.maintenanceIdleMs !== null ? this.#mixAt : Number.POSITIVE_INFINITY
    return { keepsBand: this.#running, lookAt: this.#lookAt, searchAt: this.#nextSearchAt, mixAt }
  }

  start({ awake }: { awake: boolean }): void {
    this.#running = true
    this.#awake = awake
    this.#context.network.rest?.(!awake)
    if (awake) this.#parts?.liveness.start()
    else this.#parts?.liveness.rest()
    const { clock, config } = this.#context
    this.#mixAt = clock.now() + (config.maintenanceIdleMs ?? 0)
    this.kick()
  }

  /** Nothing is begun afterwards; dials in progress are the pool's to cancel. */
  stop(): void {
    this.#running = false
    this.#context.network.rest?.(true)
    this.#parts?.liveness.stop()
    this.#cancelTimer()
    this.#lookAt = undefined
    if (this.#filling) this.#filled()
    this.#endPass()
  }

  /** Looks soon; many calls in one turn are one look. */
  kick(): void {
    if (!this.#running || this.#kicked) return
    this.#kicked = true
    queueMicrotask(() => {
      this.#kicked = false
      if (this.#running) this.#lookSafely()
    })
  }

  /** A look that throws would end the process, and set no timer for the next. */
  #lookSafely(): void {
    try {
      this.#look()
    } catch (error) {
      const { log, clock } = this.#context
      log.error('a look at the band failed', error)
      this.#schedule(clock.now(), clock.now() + retryMs)
    }
  }

  /** Looks now; resolves when the count is in its band, or nothing can be done at the moment. */
  maintain(): Promise<void> {
    if (!this.#running) return Promise.resolve()
    return new Promise((resolve) => {
      this.#passEnded.push(resolve)
      this.#nextSearchAt = Number.NEGATIVE_INFINITY
      this.kick()
    })
  }

  #look(): void {
    const { state, clock, events } = this.#context
    const { bounds } = state
    const now = clock.now()
    state.access.expireBans()
    if (this.#filling && state.active >= bounds.minTarget) this.#filled()
    if (state.active < bounds.minThreshold && !this.#filling) {
      this.#filling = true
      events.emit('maintenance-started', { active: state.active, cause: 'too-few' })
    }
    const isTooMany = state.active > bounds.maxThreshold
    if (isTooMany && state.active > this.#reported) events.emit('too-many-connections', { active: state.active })
    this.#reported = isTooMany ? state.active : 0
    const plan = planMaintenance(state, this.planOptions(now))
    if (plan.prune.length > 0) this.#trim(plan.prune, { now, inHaste: isTooMany })
    for (const point of plan.dial) void this.#dial(point)
    if (this.#awake && !this.#filling && plan.prune.length === 0 && state.active >= bounds.minTarget && now >= this.#mixAt)
      void this.#mix(now)
    if (plan.ask && now >= this.#nextSearchAt) this.#search(now)
    if (!this.#filling || (plan.dial.length === 0 && state.outgoingInProgress === 0)) this.#endPass()
    this.#schedule(now, plan.ask ? Math.min(plan.againAt ?? Number.POSITIVE_INFINITY, this.#nextSearchAt) : plan.againAt)
  }

  /** The band is full, or the pool stops. */
  #filled(): void {
    this.#filling = false
    this.#context.events.emit('maintenance-ended', { active: this.#context.state.active })
  }

  /** In haste all go in one turn. */
  #trim(leave: readonly RunningConnection[], { now, inHaste }: { now: number; inHaste: boolean }): void {
    const { state, events } = this.#context
    this.#trimAt = now + trimPauseMs
    if (inHaste) events.emit('maintenance-started', { active: state.active, cause: 'too-many' })
    this.#leave(leave)
    if (inHaste) events.emit('maintenance-ended', { active: state.active })
  }

  /** In the band: a swap, or a dial to an unknown peer. */
  async #mix(now: number): Promise<void> {
    const mixing = this.#parts?.mixing
    // Spread, or pools that were started together would all dial unknown peers at the same instant.
    this.#mixAt = now + (this.#context.config.maintenanceIdleMs ?? 0) * (0.5 + this.#context.random.next())
    const unknown = mixing?.next()
    const met = unknown === undefined ? undefined : await this.#dial(unknown)
    if (mixing !== undefined && met !== undefined && this.#running) this.#leave(mixing.met(met))
  }

  #leave(connections: readonly RunningConnection[]): void {
    for (const connection of connections) void connection.disconnect({ kind: 'too-many-connections' }, comeBackAfterMs)
  }

  /** The connection, if one came of it. */
  async #dial(point: Point): Promise<FlowConnection | undefined> {
    try {
      const made = await this.#connector.dial(point)
      if (this.#filling) this.#searchPauseMs = this.#context.config.timeBetweenSearchesMs
      return made
    } catch (error) {
      // A failed attempt has its own event.
      if (!(error instanceof PoolError)) this.#context.log.error(`dialing ${point} failed in an unexpected way`, error)
      return undefined
    }
  }

  #search(now: number): void {
    for (const connection of this.#context.state.connections()) this.#parts?.exchange.ask(connection)
    this.#nextSearchAt = now + this.#searchPauseMs
    this.#searchPauseMs = Math.min(this.#searchPauseMs * searchGrowth, this.#context.config.maintenanceIdleMs ?? defaultIdleMs)
  }

  #schedule(now: number, at: number | undefined): void {
    this.#cancelTimer()
    this.#lookAt = undefined
    const never = Number.POSITIVE_INFINITY
    const idle = (this.#awake ? this.#context.config.maintenanceIdleMs : null) ?? never
    const mix = idle === never || this.#mixAt <= now ? never : this.#mixAt - now
    const delayMs = Math.max(1, Math.min((at ?? never) - now + 1, idle, mix, this.#banEndsInMs()))
    if (delayMs === never) return
    this.#lookAt = now + delayMs
    this.#cancelTimer = this.#context.clock.schedule(delayMs, () => this.kick())
  }

  /** Infinite: no ban ends within a day. */
  #banEndsInMs(): number {
    const { state, clock } = this.#context
    const endsInMs = Math.max(0, state.access.nextBanEnd - clock.date())
    return endsInMs < dayMs ? endsInMs : Number.POSITIVE_INFINITY
  }

  #endPass(): void {
    for (const resolve of this.#passEnded.splice(0)) resolve()
  }
}
