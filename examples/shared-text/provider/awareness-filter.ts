/** What of an awareness update is taken. y-protocols believes everything: any peer could replace our own state, or fill the memory. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { Awareness } from 'y-protocols/awareness'

/** A name, a colour and a cursor need a tenth of it. */
const maxStateLength = 2_048
/** Editors that are shown at once, our tabs included. Others are not shown; they can edit all the same. */
export const maxStates = 100
/** Clients whose clock is remembered after they left. */
const maxRemembered = 1_000
/** A clock grows by one every few seconds, or with each move of the cursor. A larger one is an attempt to silence its client for good. */
const maxClock = 2 ** 32

/** The part of an update that may be applied. Throws if the update is broken, or larger than an honest one ever is. */
export function filterAwareness(awareness: Awareness, update: Uint8Array): Uint8Array {
  const { states, clientID } = awareness
  const decoder = decoding.createDecoder(update)
  const taken = encoding.createEncoder()
  let count = 0
  let free = maxStates - states.size
  const take = (client: number, clock: number, state: string): void => {
    count++
    encoding.writeVarUint(taken, client)
    encoding.writeVarUint(taken, clock)
    encoding.writeVarString(taken, state)
  }
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const client = decoding.readVarUint(decoder)
    const clock = decoding.readVarUint(decoder)
    const text = decoding.readVarString(decoder)
    if (text.length > maxStateLength || clock > maxClock) throw new Error(`an awareness state of ${text.length} characters, clock ${clock}`)
    const state: unknown = JSON.parse(text)
    if (typeof state !== 'object' || Array.isArray(state)) throw new Error('an awareness state that is no object')
    if (client === clientID) {
      // Nobody else speaks for us. An absent state makes y-protocols say again that we are here; an old one of ours came back.
      if (state === null || clock > (awareness.meta.get(client)?.clock ?? 0)) take(client, clock, 'null')
    } else if (states.has(client) || (state !== null && free-- > 0)) {
      take(client, clock, text)
    }
  }
  forgetGone(awareness)
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, count)
    encoding.writeUint8Array(encoder, encoding.toUint8Array(taken))
  })
}

function forgetGone({ meta, states, clientID }: Awareness): void {
  if (meta.size <= maxRemembered) return
  for (const client of meta.keys()) if (!states.has(client) && client !== clientID) meta.delete(client)
}
