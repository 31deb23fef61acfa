/** Closes a link, or breaks it off. Apart from `channel.ts`, which a page loads later than this. */
import type { Clock, Link } from '../values/ports.ts'
import { unheard, within } from './waits.ts'

/** By the port a link takes a second at most, ms. */
const closeWithinMs = 1_250

/** Closes the link. Never rejects; a link that does not close in time is broken off. */
export async function closeLink(link: Link, clock: Clock): Promise<void> {
  try {
    await within(Promise.resolve(link.close()), { clock, ms: closeWithinMs, late: new Error('the link did not close') })
  } catch {
    abortLink(link, 'it did not close')
  }
}

/** Never throws. */
export function abortLink(link: Link, ...[detail, options]: Parameters<Link['abort']>): void {
  try {
    unheard(link.abort(detail, options))
  } catch {
    // Nothing more can be done about a link that neither closes nor breaks off.
  }
}
