/** Row: the memory of a listener, per connection, in a process of its own. The dialers are in another one. */
import { PeerProcess } from './processes.ts'
import { bytes, type Row, ratioRow } from './row.ts'

/** Below the share of one local host. */
const connections = 40
/**
 * As many come and go so often before, and as many again stay: code that is compiled and shapes of objects that are made with the first
 * connection are not what one more takes.
 */
const warmUps = 4
const rounds = 5
const settleMs = 3_000
/** What is kept of peers for some seconds after they left is gone then. */
const forgottenMs = 15_000

export async function connectionHeap(): Promise<Row[]> {
  const held = { baseline: [] as number[], ours: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    held.baseline.push(await perConnection('bare'))
    held.ours.push(await perConnection('pool'))
  }
  const labels = { figure: 'heap of a listener per connection', against: 'a bare libp2p connection with one open stream' }
  return [ratioRow(labels, held, { ratio: 1.2, show: bytes })]
}

/** Heap and buffers outside it, after the garbage was collected. */
async function perConnection(kind: 'bare' | 'pool'): Promise<number> {
  const [listener, dialers] = [new PeerProcess(), new PeerProcess()]
  const [address = ''] = await listener.call('make', kind, 1)
  let first = 0
  for (; first < warmUps * connections; first += connections) {
    await dialers.call('make', kind, connections)
    for (let i = 0; i < connections; i++) await dialers.call('hold', address, first + i)
    await dialers.call('stop', first, connections)
    await listener.call('alone')
  }
  await dialers.call('make', kind, 2 * connections)
  for (let i = 0; i < connections; i++) await dialers.call('hold', address, first + i)
  const before = await listener.call('heldBytes', forgottenMs)
  first += connections
  for (let i = 0; i < connections; i++) await dialers.call('hold', address, first + i)
  const after = await listener.call('heldBytes', settleMs)
  const count = await listener.call('connections')
  if (count !== 2 * connections) throw new Error(`${count} of ${2 * connections} connections are there`)
  listener.end()
  dialers.end()
  return (after - before) / connections
}
