/** What keeps a peer from listening, in words. */
import { messageOf, PoolError } from '../src/core/values/reason.ts'

const troubles: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this user may not (ports below 1024 are often for root alone)',
  EADDRNOTAVAIL: 'this machine does not have that address'
}

/** The words for what the system says of an address, or the message as it is. */
export function listenTrouble(error: unknown): string {
  const message = messageOf(error)
  const [code = ''] = /EADDRINUSE|EACCES|EADDRNOTAVAIL/.exec(message) ?? []
  return troubles[code] ?? message
}

/** libp2p reports addresses that cannot be had in one message of many lines: the first one as a `PoolError`; any other error as it is. */
export function listenError(error: unknown): unknown {
  // As a whole: `messageOf` cuts it, and addresses that another reason keeps from listening may come first.
  const message = error instanceof Error ? error.message : ''
  const [, address, code = ''] = /(\/ip[46]\/\S+?\/(?:tcp|udp)\/\d+)\S*:.*\b(EADDRINUSE|EACCES|EADDRNOTAVAIL)\b/.exec(message) ?? []
  if (address === undefined) return error
  // Without a cause: that is libp2p's text, which says the same in thirty lines.
  return new PoolError('cannot-listen', `cannot listen at ${address}: ${troubles[code]}`)
}
