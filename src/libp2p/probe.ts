/** The port's `probe` on a libp2p connection, for links of both kinds. */
import type { Connection } from '@libp2p/interface'

/** libp2p's own, which most peers speak; counted as housekeeping by `connection-keeper.ts`. */
const pingProtocol = '/ipfs/ping/1.0.0'

/**
 * Negotiates a stream and drops it. Of its own, so that nothing unread is in the way; a peer that does not speak the protocol
 * says so, which is an answer, and any other error than the signal's proves nothing.
 */
export async function probe(connection: Connection, signal: AbortSignal): Promise<void> {
  try {
    const stream = await connection.newStream(pingProtocol, { signal })
    stream.abort(new Error('answered'))
  } catch (error) {
    if (signal.aborted) throw error
  }
}
