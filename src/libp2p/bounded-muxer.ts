/**
 * A stream muxer that ends a connection whose other side lets our answers pile up. Yamux answers each ping and each opened stream at once, and
 * libp2p queues what the socket does not take, of any number: 9 MiB of pings from a peer that does not read held 150 MiB.
 * Data waits elsewhere, in streams, which have flow control. Used by the presets of `node` and `web`.
 */
import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface'

/** Frames that may wait for a socket that is full. An honest peer that stops reading for seconds has its own buffers fill first. */
const maxWaitingFrames = 16_384
/** Their bytes: a few of the largest frames of data, which go out in one piece. */
const maxWaitingBytes = 4 * 1024 * 1024

/** What libp2p makes muxers with; `yamux()` is one. */
export type MuxerMaker<Components> = (components: Components) => StreamMuxerFactory

/** The same muxer, with that bound: `streamMuxers: [boundedMuxer(yamux())]`. */
export function boundedMuxer<Components>(make: MuxerMaker<Components>): MuxerMaker<Components> {
  return (components) => {
    const factory = make(components)
    const create = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection) => create(bound(connection))
    return factory
  }
}

function bound(connection: MessageStream): MessageStream {
  const send = connection.send.bind(connection)
  let waiting = 0
  connection.send = (frame) => {
    waiting = connection.writableNeedsDrain ? waiting + 1 : 0
    const isTooMuch = waiting > maxWaitingFrames || (waiting > 0 && connection.writeBufferLength > maxWaitingBytes)
    if (!isTooMuch) return send(frame)
    connection.abort(new Error(`${waiting} frames and ${connection.writeBufferLength} bytes wait for a peer that does not read`))
    return false
  }
  return connection
}
