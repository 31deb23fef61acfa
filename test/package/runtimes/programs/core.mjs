/** The core alone, in a network in memory: two peers connect, a message goes both ways, both stop. */
import { MemoryWorld } from 'p2p-pool/testing'

const world = new MemoryWorld({ seed: 1 })
const alice = await world.start('alice')
const bob = await world.start('bob')
const heard = []
const listen = async (pool, name) => {
  for await (const message of pool.connections.list()[0].messages) heard.push(`${name} hears ${new TextDecoder().decode(message)}`)
}
const there = await world.clock.until(alice.pool.connect(bob.network.point))
await world.clock.advance(100)
void listen(alice.pool, 'alice')
void listen(bob.pool, 'bob')
await there.send(new TextEncoder().encode('hello'))
await bob.pool.connections.list()[0].send(new TextEncoder().encode('and back'))
await world.clock.advance(100)
await world.stop()
console.log(`said: ${heard.sort().join(', ')}`)
