/** The points of a network in memory. */
import type { ParsedPoint, PeerId, Point } from '../core/values/ids.ts'
import { PoolError } from '../core/values/reason.ts'

/** Throws `PoolError` `invalid-point`. */
export function parseMemoryPoint(text: string): ParsedPoint {
  const introduced = /^\/p2p\/([^/]+)\/p2p-circuit\/webrtc\/p2p\/([^/]+)$/.exec(text)
  if (introduced !== null && introduced[1] !== introduced[2]) return { point: text as Point, expectedPeerId: introduced[2] as PeerId }
  const match = /^(\/(?:ip[46]|dns4)\/[^/]+\/tcp\/[1-9][0-9]*(?:\/p2p\/[^/]+\/p2p-circuit(?:\/webrtc)?)?)(?:\/p2p\/([^/]+))?$/.exec(text)
  if (match?.[1] === undefined) throw new PoolError('invalid-point', `a multiaddr was expected, got ${JSON.stringify(text)}`)
  const relayed = match[1].includes('/p2p-circuit')
  return { point: (relayed ? text : match[1]) as Point, expectedPeerId: match[2] as PeerId | undefined }
}
