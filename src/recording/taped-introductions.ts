/**
 * Introductions while a pool is recorded. The network asks the core and needs its answer at once, so its questions are written like the
 * methods that an application calls.
 */
import type { PeerId, Point } from '../core/values/ids.ts'
import type { IntroductionHandlers, Introductions } from '../core/values/ports.ts'
import type { Json, Plain, Tape } from './tape.ts'

/** Once for a network. Its `introductions` for the core: `undefined` if the real network has none. */
export function tapedIntroductions(tape: Tape, real: Introductions | undefined): () => Introductions | undefined {
  const asked = tape.question('introductions')
  const pointOf = tape.question('introductions.pointOf')
  return () => {
    if (tape.answer(asked, () => real !== undefined) !== true) return undefined
    return {
      allow: (handlers) => {
        const taped = tapedHandlers(tape, handlers)
        real?.allow(taped)
      },
      reserve: (introducer) => real?.reserve(introducer),
      pointOf: (guest) => (tape.answer(pointOf, () => pointFrom(real, guest)) ?? undefined) as Point | undefined
    }
  }
}

/** The port says that it does not throw. What does all the same has no answer. */
function pointFrom(real: Introductions | undefined, guest: PeerId): Plain {
  try {
    return real?.pointOf(guest) ?? null
  } catch {
    return null
  }
}

function tapedHandlers(tape: Tape, handlers: IntroductionHandlers): IntroductionHandlers {
  const ends = new Map<number, () => void>()
  let count = 0
  const end = tape.heard('introductions.end', (id: Json) => {
    ends.get(Number(id))?.()
    ends.delete(Number(id))
  })
  // Of the question that is asked now; a replay has no network, and cuts nothing.
  let cutting: () => void = () => undefined
  const introduces = tape.heard('introductions.introduces', (from: Json, to: Json): number | undefined => {
    const over = handlers.introduces(String(from) as PeerId, String(to) as PeerId, cutting)
    if (over === undefined) return undefined
    ends.set(++count, over)
    return count
  })
  const introduced = tape.heard('introductions.introduced', (from: Json, by: Json) =>
    handlers.introduced(String(from) as PeerId, String(by) as PeerId)
  )
  const proved = tape.heard('introductions.proved', (from: Json, by: Json) => handlers.proved(String(from) as PeerId, String(by) as PeerId))
  const reserved = tape.heard('introductions.reserved', (guest: Json) => handlers.reserved(String(guest) as PeerId))
  return {
    reserved: (guest) => reserved(guest),
    introduces: (from, to, cut) => {
      cutting = cut
      const id = introduces(from, to)
      return id === undefined ? undefined : () => end(id)
    },
    introduced: (from, by) => introduced(from, by),
    proved: (from, by) => proved(from, by)
  }
}
