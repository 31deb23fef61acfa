/** The same without the pool, to tell what is libp2p's: two plain nodes connect, a stream carries a message, both stop. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'

const step = (text) => console.log(`${Math.round(performance.now())} ms: ${text}`)
const listen = [`/ip4/127.0.0.1/tcp/0${process.argv[2] === 'ws' ? '/ws' : ''}`]
const make = (addresses) =>
  createLibp2p({
    addresses: { listen: addresses },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  })
const [server, client] = await Promise.all([make(listen), make([])])
const heard = Promise.withResolvers()
await server.handle('/runtime/1', (stream) => {
  stream.addEventListener('message', ({ data }) => heard.resolve(new TextDecoder().decode(data.subarray())))
})
step(`listening at ${server.getMultiaddrs()[0]}`)
const stream = await client.dialProtocol(server.getMultiaddrs()[0], '/runtime/1', { signal: AbortSignal.timeout(10_000) })
step('connected')
stream.send(new TextEncoder().encode('hello'))
step(`says ${await heard.promise}`)
await client.stop()
await server.stop()
step('all stopped')
