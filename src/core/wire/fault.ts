/**
 * The one error that bytes from a peer can cause, and how reading and writing refuse. What the peer wrote is never quoted,
 * only numbers and our own names.
 */

/** The peer broke the protocol; `flows/` end the connection and greylist. `message` says what was expected and what came. */
export class WireFault extends Error {
  override readonly name = 'WireFault'
}

/** What came from a peer is not allowed. */
export function fault(name: string, expected: string, got: string | number): never {
  throw new WireFault(`${name}: expected ${expected}, got ${got}`)
}

/** What our caller wants to send is not allowed. */
export function mistake(name: string, expected: string, got: string | number): never {
  throw new RangeError(`${name}: expected ${expected}, got ${got}`)
}
