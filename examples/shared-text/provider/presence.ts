/** Names and cursors: ours, which we send, and those of the others, as far as they may be believed. */
import { type Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import { Allowance } from './allowance.ts'
import { AwarenessFilter } from './awareness-filter.ts'

interface Parts {
  readonly awareness: Awareness
  /** Of what changes because of others. */
  readonly origin: unknown
  /** Called with an awareness update for the others. `isOurs`: our state is in it. */
  readonly send: (update: Uint8Array, isOurs: boolean) => void
}

export class Presence {
  readonly #parts: Parts
  readonly #filter: AwarenessFilter
  readonly #allowance = new Allowance()
  /** While it is stopped. */
  #ownState: Record<string, unknown> | null

  constructor(parts: Parts) {
    this.#parts = parts
    this.#filter = new AwarenessFilter(parts.awareness)
    this.#ownState = parts.awareness.getLocalState()
  }

  start(): void {
    const { awareness } = this.#parts
    awareness.on('update', this.#updated)
    if (awareness.getLocalState() === null) awareness.setLocalState(this.#ownState)
  }

  /** Says goodbye, and forgets the others. */
  stop(): void {
    const { awareness, origin } = this.#parts
    this.#ownState = awareness.getLocalState()
    awareness.setLocalState(null)
    awareness.off('update', this.#updated)
    removeAwarenessStates(awareness, [...awareness.states.keys()], origin)
  }

  /** With a new clock: those who forgot us show us again. The awareness says so by itself every 15 s. */
  say(): void {
    const { awareness } = this.#parts
    const state = awareness.getLocalState()
    if (state !== null && this.#allowance.take()) awareness.setLocalState(state)
  }

  /** An update with the states of all. */
  all(): Uint8Array {
    const { awareness } = this.#parts
    return encodeAwarenessUpdate(awareness, [...awareness.states.keys()])
  }

  /** Returns what takes in an update of a peer or a tab. Throws if it is broken; changes nothing before. */
  read(update: Uint8Array, from: string): () => void {
    const { awareness, origin } = this.#parts
    const taken = this.#filter.read({ update, from, mayContradict: () => this.#allowance.take() })
    return () => applyAwarenessUpdate(awareness, taken, origin)
  }

  /** Clients whose peer has left. One that is still there, behind another peer, says so when it hears this. */
  remove(clients: ReadonlySet<number>): void {
    const { awareness, origin } = this.#parts
    const others = [...clients].filter((client) => client !== awareness.clientID)
    removeAwarenessStates(awareness, others, origin)
  }

  readonly #updated = (changes: { added: number[]; updated: number[]; removed: number[] }, origin: unknown): void => {
    // Each one finds that out by itself.
    if (origin === 'timeout') return
    const { awareness, send } = this.#parts
    const clients = [...changes.added, ...changes.updated, ...changes.removed]
    send(encodeAwarenessUpdate(awareness, clients), clients.includes(awareness.clientID))
  }
}
