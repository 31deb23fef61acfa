/**
 * js-libp2p as an application makes it that has never heard of the pool, over TCP: noise, yamux, identify, ping and Gossipsub.
 *
 *   node stranger.ts SEED ADDRESS...
 *
 * SEED is the 32 bytes of an Ed25519 key in hex. It prints each address that others can dial, and ends when its standard input does.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'

const [seed = '', ...listen] = process.argv.slice(2)
const node = await createLibp2p({
  privateKey: await generateKeyPairFromSeed('Ed25519', Buffer.from(seed, 'hex')),
  addresses: { listen },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), ping: ping(), pubsub: gossipsub() }
})
for (const address of node.getMultiaddrs()) console.log(`listening ${address}`)
process.stdin.resume().once('end', () => process.exit())
