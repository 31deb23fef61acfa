/** `introductions.ts`, loaded when the core allows introductions: most pages dial before they need it. Used by `network.ts`. */
import type { Guard } from '../core/flows/guards.ts'
import type { Introductions } from '../core/values/ports.ts'
import type { IntroductionParts } from './introduction-host.ts'
import type { Libp2pIntroductions } from './introductions.ts'

export interface LateIntroductions extends Introductions {
  /** Once they are loaded. */
  loaded: Libp2pIntroductions | undefined
}

export function lateIntroductions(parts: Omit<IntroductionParts, 'handlers'>, guard: Guard): LateIntroductions {
  let loading: Promise<void> | undefined
  const late: LateIntroductions = {
    loaded: undefined,
    allow(handlers) {
      loading = import('./introductions.ts')
        .then(async ({ introduce }) => {
          late.loaded = await introduce({ ...parts, handlers })
        })
        .catch((error) => guard.error('introduce', error))
    },
    reserve: (introducer) => void loading?.then(() => late.loaded?.reserve(introducer)),
    pointOf: (guest) => late.loaded?.pointOf(guest)
  }
  return late
}
