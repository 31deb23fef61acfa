/** `late-network.ts`, loaded beside the start of the network: a page dials sooner without it. Used by `network.ts`. */
import { loaded } from '../core/flows/waits.ts'
import { DialError } from '../core/values/ports.ts'
import { messageOf } from '../core/values/reason.ts'
import type { DialContext } from './dial-error.ts'

export type Late = typeof import('./late-network.ts')

/** Rejects with `PoolError` `not-started` if it cannot be loaded now. */
export function loadLate(): Promise<Late> {
  return loaded(import('./late-network.ts'))
}

/** The one error that `Network.dial` may reject with. */
export async function dialErrorOf(error: unknown, context: DialContext): Promise<DialError> {
  if (error instanceof DialError) return error
  try {
    return (await loadLate()).dialErrorOf(error, context)
  } catch {
    return new DialError('other', messageOf(error), { cause: error })
  }
}
