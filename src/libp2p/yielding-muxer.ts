/**
 * A stream muxer on Node that leaves the event loop to others. Node reads up to 2 MiB from a socket in one go, which takes half a second
 * where they come in packets of one byte. So the socket is paused when reading took too long, and goes on in a later turn.
 * What a browser reads comes in turns anyway.
 */
import type { MessageStream } from '@libp2p/interface'
import { Turns } from '../core/flows/turns.ts'
import type { MuxerMaker } from './bounded-muxer.ts'
import { systemClock } from './system.ts'

interface Pausable {
  pause(): void
  resume(): void
}

/** What libp2p's connections have beside the interface: an encrypted one holds the connection below, which holds its WebSocket, if it is one. */
interface Encrypted extends MessageStream {
  readonly stream?: MessageStream & { readonly websocket?: Partial<Pausable> }
}

/** The same muxer, which pauses. */
export function yieldingMuxer<Components>(make: MuxerMaker<Components>): MuxerMaker<Components> {
  return (components) => {
    const factory = make(components)
    const create = factory.createStreamMuxer.bind(factory)
    const turns = new Turns(systemClock)
    factory.createStreamMuxer = (connection) => {
      const muxer = create(connection)
      const socket = socketOf(connection)
      let isPaused = false
      const rest = async (): Promise<void> => {
        isPaused = true
        try {
          socket?.pause()
          await turns.next()
          socket?.resume()
        } catch (error) {
          // It closed meanwhile, which its own events tell.
          connection.log('could not rest - %e', error)
        }
        isPaused = false
      }
      // After the muxer's own listener, so that what that did counts.
      if (socket !== undefined) connection.addEventListener('message', () => void (turns.count() && !isPaused && rest()))
      return muxer
    }
    return factory
  }
}

/** libp2p's own way of pausing does nothing to a WebSocket, and then keeps what it brings. */
function socketOf({ stream }: Encrypted): Pausable | undefined {
  if (stream === undefined || !('websocket' in stream)) return stream
  const { websocket } = stream
  return typeof websocket?.pause === 'function' && typeof websocket.resume === 'function' ? (websocket as Pausable) : undefined
}
