/**
 * What a content pool does so that the network mixes: it swaps a peer, or meets a stranger. Called by `maintenance.ts`, which says
 * when; a page loads it beside its start.
 */
import { planAfterExploring, planExploring } from '../decisions/exploring.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { Point } from '../values/ids.ts'
import type { Connection } from './connection.ts'
import type { FlowContext } from './context.ts'
import type { Swaps } from './swap.ts'

/** How maintenance dials and leaves. */
export interface MixingSteps<Msg, ConnMeta> {
  /** Resolves with nothing if no connection came of it, or maintenance has stopped meanwhile. Never rejects. */
  readonly dial: (point: Point) => Promise<Connection<Msg, ConnMeta> | undefined>
  readonly leave: (connections: readonly RunningConnection[]) => void
}

export class Mixing<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  readonly #swaps: Swaps<Msg, PeerMeta, ConnMeta>
  #turns = 0

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>, swaps: Swaps<Msg, PeerMeta, ConnMeta>) {
    this.#context = context
    this.#swaps = swaps
  }

  /** A swap and a stranger in turn. Without an idle time swaps alone, for a pool that does nothing by itself. */
  mix(steps: MixingSteps<Msg, ConnMeta>): void {
    const { config, clock, network, random, state } = this.#context
    const isIdleEver = config.maintenanceIdleMs !== null
    if ((!isIdleEver || this.#turns++ % 2 === 0) && this.#swaps.propose()) return
    if (!isIdleEver) return
    const stranger = planExploring(state, { now: clock.now(), random, canDial: (point) => network.canDial(point) })
    if (stranger !== undefined) void this.#explore(stranger, steps)
  }

  async #explore(point: Point, { dial, leave }: MixingSteps<Msg, ConnMeta>): Promise<void> {
    const met = await dial(point)
    if (met === undefined) return
    const before = this.#swaps.mixed
    this.#swaps.met(met.peerId)
    leave(planAfterExploring(this.#context.state, met, before))
  }
}
