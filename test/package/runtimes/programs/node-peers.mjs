/**
 * Two Node peers over the transport that the first argument names, tcp or ws: they connect, a message goes both ways, the second stops and
 * starts again from its files as the same peer, and connects by itself; then both stop.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNodePeer } from 'p2p-pool/node'

const step = (text) => console.log(`${Math.round(performance.now())} ms: ${text}`)
const listen = [`/ip4/127.0.0.1/tcp/0${process.argv[2] === 'ws' ? '/ws' : ''}`]
const folder = await mkdtemp(join(tmpdir(), 'p2p-pool-runtime-'))
const network = 'runtime-test'

/** Resolves with the first message on a connection with that peer. */
async function answers(pool, peerId) {
  const until = Date.now() + 10_000
  for (;;) {
    const connection = pool.connections.findByPeerId(peerId)
    if (connection !== undefined) {
      for await (const message of connection.messages) return new TextDecoder().decode(message)
    }
    if (Date.now() > until) throw new Error('no connection within ten seconds')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const server = await createNodePeer({ network, listen, minConnections: 0, expectedConnections: 0 })
const point = server.pool.network.ownPoints()[0]
step(`listening at ${point}`)
const startClient = () =>
  createNodePeer({
    ...{ network, listen: [], peersFile: join(folder, 'peers.json'), identityFile: join(folder, 'identity') },
    ...{ minConnections: 1, expectedConnections: 1, allowPrivate: true }
  })
let client = await startClient()
const connection = await client.pool.connect(point)
step(`connected over ${connection.info?.transport ?? connection.transport}`)
const first = answers(server.pool, client.pool.peerId)
await connection.send(new TextEncoder().encode('hello'))
step(`the first says ${await first}`)
await client.pool.peers.trust(server.pool.peerId)
const { peerId } = client.pool
await client.stop()
step('stopped')
client = await startClient()
if (client.pool.peerId !== peerId) throw new Error('another identity')
const again = answers(client.pool, server.pool.peerId)
for (let tries = 0; server.pool.connections.findByPeerId(peerId) === undefined && tries < 400; tries++)
  await new Promise((resolve) => setTimeout(resolve, 50))
step('connected again by itself, from the saved file')
await server.pool.connections.findByPeerId(peerId).send(new TextEncoder().encode('and back'))
step(`the second says ${await again}`)
await client.stop()
await server.stop()
await rm(folder, { recursive: true })
step('all stopped')
