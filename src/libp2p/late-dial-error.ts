/** `dial-error.ts`, loaded beside the start of the network: a page is connected sooner without it. Used by `network.ts`. */
import { DialError } from '../core/values/ports.ts'
import type { DialContext } from './dial-error.ts'

type DialErrors = typeof import('./dial-error.ts')

/** Nothing if it cannot be loaded now. */
export function loadDialErrors(): Promise<DialErrors | undefined> {
  return import('./dial-error.ts').catch(() => undefined)
}

/** The one error that `Network.dial` may reject with. */
export async function dialErrorOf(error: unknown, context: DialContext): Promise<DialError> {
  if (error instanceof DialError) return error
  const errors = await loadDialErrors()
  if (errors !== undefined) return errors.dialErrorOf(error, context)
  return new DialError('other', error instanceof Error ? error.message : String(error), { cause: error })
}
