/** What of an awareness update is taken. y-protocols believes everything: any peer could replace our own state, or fill the memory. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { Awareness } from 'y-protocols/awareness'

/** A name, a colour and a cursor need a tenth of it. */
const maxStateLength = 2_048
/** Editors that are shown at once, our tabs included. Others are not shown; they can edit all the same. */
const maxStates = 100
/** Of those, so many that the same peer reported: it cannot keep out the editors that others know. */
const maxStatesOfPeer = 50
/** Clients whose clock is remembered after they left, and how long, ms. */
const maxRemembered = 1_000
const rememberMs = 300_000
/**
 * A clock grows by one every few seconds, or with each move of the cursor. What is beyond is an attempt to silence a client. It is left
 * alone and nobody is blamed: the client itself, or one that passes it on, may be the victim.
 */
const maxClock = 2 ** 32
const maxClockStep = 10_000
/** Of our own clock more, so that we can contradict what others were made to believe. */
const maxOwnClockStep = 100_000

interface Update {
  readonly update: Uint8Array
  readonly from: string
  /** Whether we may say once more that we are here. */
  mayContradict(): boolean
}

export class AwarenessFilter {
  readonly #awareness: Awareness
  /** Which peer reported a client first. */
  readonly #reportedBy = new Map<number, string>()

  constructor(awareness: Awareness) {
    this.#awareness = awareness
  }

  /** The part of an update that may be applied. Throws if the update is broken, or has a state larger than an honest one ever is. */
  read({ update, from, mayContradict }: Update): Uint8Array {
    this.#forget()
    const { states, clientID } = this.#awareness
    const decoder = decoding.createDecoder(update)
    const taken = new Map<number, { clock: number; text: string }>()
    const added: number[] = []
    const reported = [...this.#reportedBy.values()].filter((peer) => peer === from).length
    const free = Math.min(maxStates - states.size, maxStatesOfPeer - reported)
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      const client = decoding.readVarUint(decoder)
      const clock = decoding.readVarUint(decoder)
      const state = readState(decoding.readVarString(decoder))
      if (taken.has(client) || !this.#isPlausible(client, clock)) continue
      if (client === clientID) {
        // Nobody else speaks for us. An absent state makes y-protocols say again that we are here; an old one of ours came back.
        const isNews = clock > this.#clockOf(client) || (state === null && clock === this.#clockOf(client))
        if (isNews && mayContradict()) taken.set(client, { clock, text: 'null' })
        continue
      }
      if (!states.has(client)) {
        if (state === null || added.length >= free) continue
        added.push(client)
      }
      taken.set(client, { clock, text: JSON.stringify(state) })
    }
    for (const client of added) this.#reportedBy.set(client, from)
    return write(taken)
  }

  #clockOf(client: number): number {
    return this.#awareness.meta.get(client)?.clock ?? 0
  }

  #isPlausible(client: number, clock: number): boolean {
    const { states, clientID } = this.#awareness
    if (client === clientID) return clock <= this.#clockOf(client) + maxOwnClockStep
    return clock <= (states.has(client) ? this.#clockOf(client) + maxClockStep : maxClock)
  }

  #forget(): void {
    const { meta, states, clientID } = this.#awareness
    for (const client of this.#reportedBy.keys()) if (!states.has(client)) this.#reportedBy.delete(client)
    const until = Date.now() - rememberMs
    for (const [client, { lastUpdated }] of meta)
      if (!states.has(client) && client !== clientID && (meta.size > maxRemembered || lastUpdated < until)) meta.delete(client)
  }
}

function readState(text: string): object | null {
  const state: unknown = text.length > maxStateLength ? undefined : JSON.parse(text)
  // Also as we write it: `1e20` grows, and we would be blamed when we pass it on.
  if (typeof state !== 'object' || Array.isArray(state) || JSON.stringify(state).length > maxStateLength)
    throw new Error(`an awareness state that is no object of at most ${maxStateLength} characters`)
  return state
}

function write(entries: ReadonlyMap<number, { readonly clock: number; readonly text: string }>): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, entries.size)
    for (const [client, { clock, text }] of entries) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarString(encoder, text)
    }
  })
}
