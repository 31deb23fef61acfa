/**
 * A pool between start and stop: loads what it needs, saves, suspends and resumes, and takes what the network tells. `peer-pool.ts` is
 * its only user, and has the public verbs.
 */

import { abortLink } from '../flows/closing.ts'
import { Connector } from '../flows/connect.ts'
import type { FlowContext, OpenInvitations } from '../flows/context.ts'
import { Maintenance } from '../flows/maintenance.ts'
import { Persistence } from '../flows/persistence.ts'
import { loaded, within } from '../flows/waits.ts'
import type { SuspendedKeep } from '../values/bounds.ts'
import type { Link, LinkBudget } from '../values/ports.ts'
import { type DisconnectReason, PoolError } from '../values/reason.ts'
import type { PoolSnapshot, PoolStatus } from '../values/snapshot.ts'
import type { LatePool } from './late.ts'
import type { SnapshotFrame } from './snapshot.ts'

/** A page that has not loaded `late.ts` by then does not start, ms. */
const loadDeadlineMs = 30_000

export class Lifecycle {
  readonly connector: Connector
  readonly maintenance: Maintenance
  readonly persistence: Persistence
  readonly #context: FlowContext
  /** Loaded beside the first start: the first dial does not wait for it. */
  #late: LatePool | undefined
  /** Links that came before that. */
  #earlyLinks = 0
  #status: PoolStatus = 'created'
  #budgetState: LinkBudget['state'] | undefined = 'plenty'
  /** While suspended. */
  #keep: SuspendedKeep = 'band'
  #version = 0
  /** The event `change` is on its way. */
  #isChangeDue = false
  /** Counts starts and stops; code that waited compares it to see whether it is still current. */
  #runs = 0
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  constructor(context: FlowContext) {
    this.#context = context
    this.connector = new Connector(context, async () => (await this.load()).handshakes)
    this.maintenance = new Maintenance(context, this.connector)
    this.persistence = new Persistence(context, { shown: () => this.shown() })
  }

  /** Where the pool stands. */
  get status(): PoolStatus {
    return this.#status
  }

  /** What a snapshot shows of the lifecycle itself. */
  get frame(): SnapshotFrame {
    return { version: this.#version, status: this.#status, storage: this.persistence.status }
  }

  /** As of the last change; `undefined` before the first start. */
  unchanged(): PoolSnapshot | undefined {
    return this.#late?.unchanged(this.frame)
  }

  /** Throws `PoolError` `not-started` before the first start. */
  lateFor(verb: string): LatePool {
    if (this.#late === undefined) throw new PoolError('not-started', `${verb}: the pool has not started yet`)
    return this.#late
  }

  /** Throws `PoolError` `destroyed` or `not-started`. */
  mustRun(verb: string): void {
    if (this.#status === 'destroyed') throw new PoolError('destroyed', `${verb}: the pool was destroyed`)
    if (this.#status !== 'running' && this.#status !== 'suspended')
      throw new PoolError('not-started', `${verb}: the pool is ${this.#status}, start it first`)
  }

  /** For a verb about them. Rejects with `PoolError` `destroyed`, or with `not-started` also if they cannot be loaded: the next call tries again. */
  async invitations(verb: string): Promise<OpenInvitations> {
    this.mustRun(verb)
    return (await loaded(import('../flows/invitations.ts'))).invitationsOf(this.#context, this)
  }

  /** Resolves when `late.ts` is loaded. May be called again. Rejects with `PoolError` `not-started` if it cannot be loaded. */
  async load(): Promise<LatePool> {
    if (this.#late !== undefined) return this.#late
    const { clock } = this.#context
    const tooLate = new PoolError('not-started', `start: a part of the pool was not loaded within ${loadDeadlineMs} ms`)
    const part = await within(loaded(import('./late.ts')), { clock, ms: loadDeadlineMs, late: tooLate })
    this.#late ??= new part.LatePool(this.#context, this)
    return this.#late
  }

  start(): Promise<void> {
    if (this.#status === 'destroyed') return Promise.reject(new PoolError('destroyed', 'start: the pool was destroyed; make a new one'))
    if (this.#status === 'created' || this.#status === 'stopped') {
      const before = Promise.allSettled([this.#starting, this.#stopping])
      this.#setStatus('starting')
      this.#starting = this.#begin(++this.#runs, before)
    }
    return this.#starting ?? Promise.resolve()
  }

  /** Gives up silently when the pool was stopped meanwhile: `run` is over then. */
  async #begin(run: number, before: Promise<unknown>): Promise<void> {
    const { network, state, config } = this.#context
    await before
    if (run !== this.#runs) return
    const late = this.load()
    late.catch(() => undefined) // reported below, where it is waited for
    try {
      await this.persistence.start()
      if (run !== this.#runs) return
      state.resetReconnections()
      await network.start({
        plainProtocols: config.plainPeers === 'admit' ? config.requiredProtocols : undefined,
        incoming: (link) => this.#incoming(link),
        ownPointsChanged: () => this.#ownPointsChanged(),
        budgetChanged: () => this.#budgetChanged(),
        discovered: (found) => state.claims.discovered(found)
      })
      if (run !== this.#runs) {
        await network.stop()
        return
      }
      this.maintenance.start({ awake: true })
      await late
    } catch (error) {
      if (run === this.#runs) await this.end('stopped', { kind: 'going-away' })
      throw error
    }
    if (run !== this.#runs) return
    this.#setStatus('running')
    this.#ownPointsChanged()
  }

  end(status: 'stopped' | 'destroyed', reason: DisconnectReason): Promise<void> {
    if (this.#status === 'destroyed') return this.#stopping ?? Promise.resolve()
    const idle = this.#status === 'created' || this.#status === 'stopped'
    this.#runs++
    this.#setStatus(status)
    if (!idle) this.#stopping = this.#windDown(reason, this.#stopping)
    return this.#stopping ?? Promise.resolve()
  }

  async #windDown(reason: DisconnectReason, before: Promise<void> | undefined): Promise<void> {
    this.maintenance.stop()
    this.#context.invitations?.end()
    this.persistence.rememberAnchors()
    const quiet = this.#context.network.stop()
    await this.tearDown(reason)
    await Promise.all([quiet, before])
    await this.persistence.stop()
  }

  /** Ends all connections and attempts. */
  async tearDown(reason: DisconnectReason): Promise<void> {
    const { state } = this.#context
    state.cancelAttempts(`all connections are torn down (${reason.kind})`)
    await Promise.all([...state.connections()].map((connection) => connection.disconnect(reason)))
  }

  async suspend(keep: SuspendedKeep): Promise<void> {
    const { state, config } = this.#context
    if (this.#status !== 'running' && this.#status !== 'suspended') return
    this.#keep = keep === 'band' && config.suspendedBand === null ? 'all' : keep
    this.#setStatus('suspended')
    state.changeBand({ isSuspended: this.#keep === 'band' })
    if (this.#keep === 'band') {
      this.maintenance.start({ awake: false })
      // What its first look prunes is saved with the rest.
      await Promise.resolve()
    } else {
      this.maintenance.stop()
      state.cancelAttempts('the pool is suspended')
      if (keep === 'none') void this.tearDown({ kind: 'going-away' })
    }
    await this.persistence.save()
  }

  resume(): void {
    if (this.#status !== 'running' && this.#status !== 'suspended') return
    const { state } = this.#context
    state.resetReconnections()
    this.#setStatus('running')
    state.changeBand({ isSuspended: false })
    this.maintenance.start({ awake: true })
    this.maintenance.askAll()
    void this.persistence.save()
  }

  // What the state tells.

  /** Something that is shown has changed: one event for all changes of a turn. */
  shown(): void {
    this.#version++
    const { events, clock } = this.#context
    if (this.#isChangeDue || !events.hasListeners('change')) return
    this.#isChangeDue = true
    clock.schedule(0, () => {
      this.#isChangeDue = false
      events.emit('change', { version: this.#version })
    })
  }

  #setStatus(status: PoolStatus): void {
    this.#status = status
    this.shown()
  }

  // What the network tells.

  #incoming(link: Link): void {
    const takes = this.#status === 'running' || this.#status === 'starting' || (this.#status === 'suspended' && this.#keep !== 'none')
    const { config, log } = this.#context
    const refuse = (): void => abortLink(link, 'the pool is not running')
    if (takes && this.#late !== undefined)
      this.#late.handshakes.accept(link).catch((error: unknown) => log.error('an incoming link failed', error))
    else if (takes && this.#earlyLinks++ < config.maxIncoming) this.load().then(() => this.#incoming(link), refuse)
    else refuse()
  }

  #ownPointsChanged(): void {
    const { state, network, events } = this.#context
    const points = network.ownPoints()
    state.points.announce(points)
    events.emit('own-points-changed', { points })
    this.#late?.exchange.ownPointsChanged()
  }

  #budgetChanged(): void {
    const { budget } = this.#context.network
    if (budget !== undefined && budget.state !== this.#budgetState) this.#context.events.emit('link-budget', budget)
    this.#budgetState = budget?.state
    this.shown()
  }
}
