/** The port's `probe` on a libp2p connection, for links of both kinds. */
import type { Connection } from '@libp2p/interface'
import { abortable } from '../core/flows/waits.ts'

/** libp2p's own, counted as housekeeping by `connection-keeper.ts`. Most peers speak ping, and all others identify: libp2p logs no error. */
const protocols = ['/ipfs/ping/1.0.0', '/ipfs/id/1.0.0']
/** The other end of the stream closes at once. One that does not must not pile up streams. */
const closeMs = 5_000

/** What libp2p's own connections have beside the interface. Yamux has pings, which need no stream; WebRTC's muxer has none. */
interface MuxedConnection extends Connection {
  readonly muxer?: { ping?(): Promise<unknown> }
}

/**
 * Asks the other side's muxer; where muxers have no ping, or `byStream`, it negotiates a stream and closes it. A stream of its own, so that
 * nothing unread is in the way. A peer that speaks neither protocol says so, which is an answer, and any other error than the signal's proves nothing.
 */
export async function probe(connection: Connection, signal: AbortSignal, byStream?: boolean): Promise<void> {
  const { muxer }: MuxedConnection = connection
  try {
    // Without the signal: yamux ends the connection when the answer to a ping comes that was given up.
    if (muxer?.ping && !byStream) return void (await abortable(muxer.ping(), signal))
    const stream = await connection.newStream(protocols, { signal })
    const timer = setTimeout(() => stream.abort(new Error('the stream was not closed')), closeMs)
    stream.addEventListener('close', () => clearTimeout(timer))
    // An abort of the stream at this point would be an error in libp2p's log.
    await Promise.all([stream.closeRead({ signal }), stream.close({ signal })])
  } catch (error) {
    if (signal.aborted) throw error
  }
}
