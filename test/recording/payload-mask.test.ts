import { expect, it } from 'vitest'
import { encodeMessages } from '../../src/core/wire/encode.ts'
import { PayloadMask, unmasked } from '../../src/recording/payload-mask.ts'
import type { Json } from '../../src/recording/tape.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'

const secret = new TextEncoder().encode('what only the two peers may read, and no recording of either')
const hello = {
  kind: 'hello',
  network: 'test',
  protocolVersions: [1],
  applicationVersions: [0],
  isPrivate: false,
  discovery: true,
  points: ['/ip4/192.0.2.1/tcp/4001'],
  signedPeerRecord: new Uint8Array(100).fill(7),
  instance: new Uint8Array(8).fill(3),
  metadata: secret,
  transports: ['tcp'],
  invitation: ''
} as const

const stream = encodeMessages([
  hello,
  { kind: 'ack' },
  { kind: 'application', payload: secret },
  { kind: 'advertise', points: ['/ip4/192.0.2.9/tcp/4001'], ownPoints: [] },
  { kind: 'application', payload: new Uint8Array(0) },
  { kind: 'application', payload: new Uint8Array(70_000).fill(secret[0] ?? 1) },
  { kind: 'disconnect', code: 1, text: 'bye', comeBackAfterMs: 0 }
])
const cleared = encodeMessages([
  { ...hello, metadata: new Uint8Array(secret.length) },
  { kind: 'ack' },
  { kind: 'application', payload: new Uint8Array(secret.length) },
  { kind: 'advertise', points: ['/ip4/192.0.2.9/tcp/4001'], ownPoints: [] },
  { kind: 'application', payload: new Uint8Array(0) },
  { kind: 'application', payload: new Uint8Array(70_000) },
  { kind: 'disconnect', code: 1, text: '\0\0\0', comeBackAfterMs: 0 }
])

/** The stream in chunks of these sizes, masked. */
function masked(bytes: Uint8Array, size: () => number, { key = 1, link = 1 } = {}): Json[] {
  const mask = new PayloadMask(Int32Array.of(key, 0, 0, 0), link)
  const chunks: Json[] = []
  for (let at = 0; at < bytes.length; ) {
    const next = at + size()
    chunks.push(mask.mask(bytes.subarray(at, next)))
    at = next
  }
  return chunks
}

const joined = (chunks: readonly Json[]): Buffer => Buffer.concat(chunks.map((chunk) => unmasked(chunk)))

it('a masked stream has all bytes of the protocol, and zeros for those of the application, in chunks of any size', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seededRandom(seed)
    const most = [1, 2, 5, 64, 2_000, 200_000][seed % 6] ?? 1
    const chunks = masked(stream, () => 1 + Math.floor(random.next() * most))
    expect(joined(chunks).equals(Buffer.from(cleared)), `seed ${seed}`).toBe(true)
  }
})

it('equal messages have equal hashes on one link, and others on another link and in another recording, whatever their chunks', () => {
  const hashes = (chunks: readonly Json[]): Json[] => chunks.flat().filter((piece) => String(piece).startsWith('#')) as Json[]
  const whole = hashes(masked(stream, () => 1_000_000))
  expect(whole).toHaveLength(4)
  // The metadata and one payload are the same bytes.
  expect(new Set(whole).size).toBe(3)
  expect(hashes(masked(stream, () => 3))).toEqual(whole)
  for (const other of [{ key: 2 }, { link: 2 }])
    for (const hash of hashes(masked(stream, () => 1_000_000, other))) expect(whole).not.toContain(hash)
})

it('of random bytes nothing is lost but what may be a message, and nothing throws', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = seededRandom(seed)
    const bytes = random.bytes(400)
    const chunks = masked(bytes, () => 1 + Math.floor(random.next() * 50))
    const back = joined(chunks)
    expect(back.length, `seed ${seed}`).toBe(bytes.length)
    expect(
      bytes.every((byte, i) => back[i] === byte || back[i] === 0),
      `seed ${seed}`
    ).toBe(true)
  }
})

it('a payload behind a field of a later version is taken away, too', () => {
  // Frame { field 20: 5, application: secret }.
  const inner = [0xa0, 0x01, 5, 0x42, secret.length, ...secret]
  const back = joined(masked(Uint8Array.from([inner.length, ...inner]), () => 7))
  expect(back.includes(Buffer.from(secret))).toBe(false)
  expect([...back.subarray(0, 6)]).toEqual([inner.length, 0xa0, 0x01, 5, 0x42, secret.length])
})

it.each([
  ['a message of a later version', [0xa2, 0x01, secret.length, ...secret]],
  ['a field of a later version in a Bootstrap', [0x22, secret.length + 3, 0xa2, 0x01, secret.length, ...secret]],
  ['a field of a later version in a Disconnect', [0x4a, secret.length + 5, 8, 1, 0xa2, 0x01, secret.length, ...secret]]
])('%s is its length alone', (_, inner) => {
  const pieces = masked(Uint8Array.from([inner.length, ...inner]), () => 1_000).flat()
  expect(pieces.slice(1)).toEqual([secret.length])
  expect(joined([pieces]).includes(Buffer.from(secret))).toBe(false)
})
