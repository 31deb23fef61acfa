/** Random headers and messages, whole or nearly so. */
import fc from 'fast-check'
import { type Header, parseHash } from '../../../examples/light-client/chain/header.ts'
import { type ChainMessage, maxHeaders, maxLocator } from '../../../examples/light-client/wire/message.ts'

const any32 = fc.nat(0xffffffff)

export const anyHash = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => parseHash(Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')))

export const anyHeader: fc.Arbitrary<Header> = fc.record({
  height: any32,
  previous: anyHash,
  time: any32,
  payloadRoot: anyHash,
  difficulty: any32,
  nonce: any32
})

export const anyMessage: fc.Arbitrary<ChainMessage> = fc.oneof(
  fc.record({ kind: fc.constant('status' as const), height: any32, head: anyHash, totalWork: fc.bigInt(0n, 2n ** 64n - 1n) }),
  fc.record({
    kind: fc.constant('get-headers' as const),
    id: any32,
    max: fc.integer({ min: 1, max: maxHeaders }),
    locator: fc.array(anyHash, { minLength: 1, maxLength: maxLocator })
  }),
  fc.record({ kind: fc.constant('headers' as const), id: any32, headers: fc.array(anyHeader, { maxLength: 12 }) })
)
