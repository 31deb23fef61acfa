/** Ids that come once and never again: what a pool still holds of ten thousand of them. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { type Lab, pause, until } from '../../laboratory/lab.ts'
import { defineRole } from '../../laboratory/role.ts'
import { spreadAttackerHost, victimHost } from '../kit/hosts.ts'
import { findingOf, type Row } from '../kit/row.ts'
import { atHost } from '../kit/source-address.ts'
import { joinPool } from '../kit/stranger.ts'
import { tcpPort, victim } from '../kit/victim.ts'

const ids = 10_000
const warmUpIds = 300
/** Each comes from another host than the one before: libp2p takes five connections a second from one. */
const hosts = 200
const workers = 12
/** Near the 8 KiB that libp2p reads of an identify message. */
const agentVersionBytes = 7_500
/** A pool forgets who is gone some seconds later. */
const settleMs = 15_000
const allowedBytes = 4 * 2 ** 20

const encrypterOfNode = noise()

const identifyProtocol = '/ipfs/id/1.0.0'

/** Comes and goes under a fresh id each time; every second one joins the pool, and each says as much of itself as libp2p reads. */
const passersBy = defineRole(import.meta.url, 'passersBy', async ({ target }: { target: string }) => {
  let left = 0
  let come = 0
  let failures = 0
  let turn = 0
  const work = async (): Promise<void> => {
    const disguise = { key: await generateKeyPair('Ed25519') }
    const node = await disguisedNode(disguise)
    for (; ; await pause(left > 0 ? 0 : 100)) {
      if (left <= 0) continue
      left--
      const place = turn++
      disguise.key = await generateKeyPair('Ed25519')
      const dial = () => node.dial(multiaddr(target), { force: true, signal: AbortSignal.timeout(10_000) })
      try {
        const connection = await atHost(spreadAttackerHost(place % hosts), dial)
        if (place % 2 === 0) await joinPool(connection)
        else await pause(20)
        await connection.close()
        come++
      } catch {
        failures++
        left++
      }
    }
  }
  for (let i = 0; i < workers; i++) void work()
  return {
    send: (count: number): void => {
      left += count
    },
    come: (): { come: number; failures: number } => ({ come, failures })
  }
})

/** A node whose next connection is made with the key that it finds in `disguise`. */
async function disguisedNode(disguise: { key: PrivateKey }) {
  // Noise asks for the key at each handshake. libp2p has not made all of its components yet when it makes this one.
  const encrypter: typeof encrypterOfNode = (components) =>
    encrypterOfNode(new Proxy(components, { get: (all, name) => (name === 'privateKey' ? disguise.key : Reflect.get(all, name)) }))
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [encrypter],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: { reconnectRetries: 0 },
    connectionMonitor: { enabled: false }
  })
  await node.handle(identifyProtocol, async (stream) => {
    stream.send(identifyMessage(disguise.key))
    await stream.close()
  })
  return node
}

/** `publicKey` (1), `protocols` (3) and `agentVersion` (6) of libp2p's identify message, with its length before it. */
function identifyMessage(key: PrivateKey): Uint8Array {
  const field = (id: number, value: Uint8Array): Uint8Array[] => [Uint8Array.of((id << 3) | 2), varint(value.length), value]
  const text = new TextEncoder()
  const message = Buffer.concat([
    ...field(1, publicKeyToProtobuf(key.publicKey)),
    ...field(3, text.encode('/somebody/else/1.0.0')),
    ...field(6, text.encode(crypto.randomUUID().padEnd(agentVersionBytes, 'x')))
  ])
  return Buffer.concat([varint(message.length), message])
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  return Uint8Array.of(...bytes, value)
}

async function comeAndGo(lab: Lab) {
  const target = await lab.start(victim, {})
  const attacker = await lab.start(passersBy, { target: `/ip4/${victimHost}/tcp/${tcpPort}` })
  const send = async (count: number): Promise<number> => {
    const before = (await attacker.ask.come()).come
    await attacker.ask.send(count)
    await until(async () => (await attacker.ask.come()).come >= before + count, { deadlineMs: 420_000, everyMs: 500 })
    await until(async () => (await target.ask.facts()).libp2pConnections === 0, { deadlineMs: 30_000, everyMs: 500 })
    await pause(settleMs)
    return (await attacker.ask.come()).come - before
  }
  // What the first ones cost is code and tables of fixed size.
  await send(warmUpIds)
  await target.ask.beginMeasuring()
  const began = performance.now()
  const come = await send(ids)
  const seconds = (performance.now() - began) / 1_000
  const { heldBytes } = await target.ask.measured()
  const { peerStoreEntries } = await target.ask.facts()
  return findingOf({
    measured: `${come} ids in ${seconds.toFixed(0)} s: ${(Math.max(0, heldBytes) / 2 ** 20).toFixed(1)} MiB more, ${peerStoreEntries} entries in libp2p's peer store`,
    isMet: come >= ids && heldBytes <= allowedBytes
  })
}

export const freshIdRows: readonly Row[] = [
  {
    name: 'fresh-ids',
    attack: '10,000 fresh ids come and go',
    target: 'heap grows by 4 MiB at most',
    deadlineMs: 600_000,
    run: comeAndGo
  }
]
