/** `late-network.ts`, loaded beside the start of the network: a page dials sooner without it. Used by `network.ts`. */
import { DialError } from '../core/values/ports.ts'
import { messageOf } from '../core/values/reason.ts'
import type { DialContext } from './dial-error.ts'

export type Late = typeof import('./late-network.ts')

/** Nothing if it cannot be loaded now. */
export function loadLate(): Promise<Late | undefined> {
  return import('./late-network.ts').catch(() => undefined)
}

/** The one error that `Network.dial` may reject with. */
export async function dialErrorOf(error: unknown, context: DialContext): Promise<DialError> {
  if (error instanceof DialError) return error
  const late = await loadLate()
  if (late !== undefined) return late.dialErrorOf(error, context)
  return new DialError('other', messageOf(error), { cause: error })
}
