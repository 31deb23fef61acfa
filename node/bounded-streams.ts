/**
 * Bounds the streams that a peer opens on a connection of WebRTC. Its data channels are the muxer there, and libp2p (@libp2p/webrtc 6.0.33)
 * takes any number of them, each for the ten seconds in which it may name its protocol. Used by `webrtc-direct.ts` and
 * `optional-parts.ts`.
 */
import type { DialTransportOptions, MultiaddrConnection, Stream, StreamMuxerFactory, Transport, Upgrader } from '@libp2p/interface'
import { maxInboundStreams } from '../src/libp2p/preset.ts'
import type { TransportFactory } from './checked-dials.ts'

/** The transport, whose connections take as many streams of the other side as those with yamux. */
export function boundingStreams<Components extends { readonly upgrader: Upgrader }>(
  make: TransportFactory<Components>
): TransportFactory<Components> {
  return (components) => {
    // The transport between two peers without public addresses has no listener for what comes in: it asks its components.
    const transport: Transport = make(Object.create(components, { upgrader: { get: () => bounding(components.upgrader) } }))
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    transport.dial = (address, options: DialTransportOptions) => dial(address, { ...options, upgrader: bounding(options.upgrader) })
    transport.createListener = (options) => createListener({ ...options, upgrader: bounding(options.upgrader) })
    return transport
  }
}

function bounding(upgrader: Upgrader): Upgrader {
  const bounded = <Options extends { muxerFactory?: StreamMuxerFactory } | undefined>(options: Options): Options => {
    if (options?.muxerFactory !== undefined) boundStreams(options.muxerFactory)
    return options
  }
  return {
    upgradeOutbound: (link: MultiaddrConnection, options: Parameters<Upgrader['upgradeOutbound']>[1]) =>
      upgrader.upgradeOutbound(link, bounded(options)),
    upgradeInbound: (link: MultiaddrConnection, options: Parameters<Upgrader['upgradeInbound']>[1]) =>
      upgrader.upgradeInbound(link, bounded(options)),
    createInboundAbortSignal: (signal) => upgrader.createInboundAbortSignal(signal),
    getStreamMuxers: () => upgrader.getStreamMuxers(),
    getConnectionEncrypters: () => upgrader.getConnectionEncrypters()
  }
}

/** What is too much is reset before anybody hears of it. */
function boundStreams(factory: StreamMuxerFactory): void {
  const create = factory.createStreamMuxer.bind(factory)
  factory.createStreamMuxer = (connection) => {
    const muxer = create(connection)
    const take: unknown = Reflect.get(muxer, 'onRemoteStream')
    // Another version of libp2p, which would be without bounds.
    if (typeof take !== 'function') throw new Error('expected a muxer with onRemoteStream')
    Reflect.set(muxer, 'onRemoteStream', (stream: Stream) => {
      if (muxer.streams.filter(({ direction }) => direction === 'inbound').length < maxInboundStreams) take.call(muxer, stream)
      else stream.abort(new Error(`more than ${maxInboundStreams} streams`))
    })
    return muxer
  }
}
