/** Application messages to bytes and back, by the application's own codec, which may do anything. */
import { refuse } from '../values/arguments.ts'
import type { PeerId } from '../values/ids.ts'
import { messageOf, PoolError } from '../values/reason.ts'
import type { Codec, PoolConfig } from '../values/settings.ts'
import { WireFault } from '../wire/fault.ts'
import { unheard } from './waits.ts'

/**
 * Bytes of an application message. Throws `PoolError` `message-too-large` naming size and cap, or `invalid-argument` if the codec
 * makes no bytes of it.
 */
export function encodePayload<Msg>(config: Pick<PoolConfig<Msg>, 'messageCodec' | 'maxMessageBytes'>, message: Msg): Uint8Array {
  const payload = encoded(config.messageCodec, message)
  if (payload.length > config.maxMessageBytes) {
    throw new PoolError('message-too-large', `a message of ${payload.length} bytes is above maxMessageBytes, ${config.maxMessageBytes}`)
  }
  return payload
}

function encoded<Msg>(codec: Codec<Msg>, message: Msg): Uint8Array {
  let payload: unknown
  try {
    payload = unheard(codec.encode(message))
  } catch (error) {
    throw new PoolError('invalid-argument', `message: messageCodec.encode threw: ${messageOf(error)}`, {
      cause: error
    })
  }
  return payload instanceof Uint8Array
    ? payload
    : refuse({ code: 'invalid-argument', name: 'message' }, 'a Uint8Array of messageCodec.encode', payload)
}

/** Throws `WireFault` if the codec does: the peer sent what is no message. */
export function decodePayload<Msg>(codec: Codec<Msg>, payload: Uint8Array): Msg {
  try {
    return unheard(codec.decode(payload))
  } catch (error) {
    throw new WireFault(`an application message of ${payload.length} bytes does not decode: ${messageOf(error)}`)
  }
}

/** Offers a message to all but `except`; returns how many took it. The connections encode it: a page loads the code for that with them. */
export function offerToAll(
  connections: Iterable<{ peerId: PeerId; frameOf(payload: Uint8Array): Uint8Array; offerFrame(frame: Uint8Array): boolean }>,
  payload: Uint8Array,
  except: readonly PeerId[]
): number {
  let frame: Uint8Array | undefined
  let taken = 0
  for (const connection of connections) {
    if (except.includes(connection.peerId)) continue
    frame ??= connection.frameOf(payload)
    if (connection.offerFrame(frame)) taken++
  }
  return taken
}
