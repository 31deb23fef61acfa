import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Logger, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, it } from 'vitest'
import type { PeerId, Point } from '../../src/core/values/ids.ts'
import { Libp2pRecords } from '../../src/libp2p/peer-records.ts'

const relayId = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'

async function signer(key?: PrivateKey): Promise<{ id: PeerId; records: Libp2pRecords; errors: unknown[] }> {
  const privateKey = key ?? (await generateKeyPair('Ed25519'))
  const peerId = peerIdFromPrivateKey(privateKey)
  const errors: unknown[] = []
  const log = Object.assign(() => undefined, { error: (...told: unknown[]) => errors.push(told) }) as unknown as Logger
  return { id: peerId.toString() as PeerId, records: new Libp2pRecords({ peerId, privateKey }, log), errors }
}

it('a record names the points that were signed, direct and relayed, to any peer that checks it', async () => {
  for (const type of ['Ed25519', 'secp256k1', 'RSA'] as const) {
    const { id, records, errors } = await signer(type === 'RSA' ? await generateKeyPair(type, 2048) : await generateKeyPair(type))
    const points = ['/ip4/192.0.2.1/tcp/4001', `/dns4/r.example.org/tcp/443/tls/ws/p2p/${relayId}/p2p-circuit/webrtc/p2p/${id}`] as Point[]
    expect(records.own).toHaveLength(0)
    await records.sign(points)
    const [own, other] = [records.own, await signer()]
    expect(await other.records.open(own, id), type).toEqual(points)
    expect([own.length > 0 && own.length <= 8_192, errors]).toEqual([true, []])
  }
})

it('one of another peer, with another signer or cut short is refused; one that was changed is refused, or says just what was signed', async () => {
  const [a, b] = [await signer(), await signer()]
  const points = ['/ip4/192.0.2.1/tcp/4001' as Point]
  await a.records.sign(points)
  const { own } = a.records
  await expect(b.records.open(own, b.id)).rejects.toThrow(/signed by/)
  await expect(b.records.open(own.subarray(0, -1), a.id)).rejects.toThrow()
  await expect(b.records.open(Uint8Array.of(1, 2, 3), a.id)).rejects.toThrow()
  let refused = 0
  for (let at = 0; at < own.length; at++) {
    const changed = own.slice()
    changed[at] = (changed[at] ?? 0) ^ 1
    const opened: unknown = await b.records.open(changed, a.id).catch((error: unknown) => error)
    if (opened instanceof Error) refused++
    else expect(opened, `byte ${at}`).toEqual(points)
  }
  // Decoders overlook the wire types of the envelope's four tags and of the key's two, which nobody signs. Nothing else may pass.
  expect(refused).toBeGreaterThanOrEqual(own.length - 6)
})

it('when the points change while it is signed, the last ones count; without points there is none', async () => {
  const { id, records } = await signer()
  const [first, second] = ['/ip4/192.0.2.1/tcp/4001', '/ip4/192.0.2.2/tcp/4001'] as Point[] as [Point, Point]
  const signing = records.sign([first])
  await Promise.all([signing, records.sign([second])])
  expect(await records.open(records.own, id)).toEqual([second])
  await records.sign([])
  expect(records.own).toHaveLength(0)
})

it('at most eight points are signed, and as many are looked at', async () => {
  const { id, records } = await signer()
  const points = Array.from({ length: 12 }, (_, i) => `/ip4/192.0.2.${i + 1}/tcp/4001` as Point)
  await records.sign(points)
  expect(await records.open(records.own, id)).toEqual(points.slice(0, 8))
})
