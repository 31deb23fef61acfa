/** Application messages to bytes and back, by the application's own codec, which may do anything. */
import { refuse } from '../values/arguments.ts'
import type { Codec, PoolConfig } from '../values/config.ts'
import { PoolError } from '../values/reason.ts'
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
    throw new PoolError(
      'invalid-argument',
      `message: messageCodec.encode threw: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error
      }
    )
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
    throw new WireFault(
      `an application message of ${payload.length} bytes does not decode: ${error instanceof Error ? error.message : String(error)}`
    )
  }
}
