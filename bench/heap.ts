/** Row: the memory of a listener, per connection, in a process of its own. The dialers are in another one. */
import { PeerProcess } from './processes.ts'
import { bytes, type Row, ratioRow } from './row.ts'

/** Below the share of one local host. */
const connections = 40
/** So many connections come and go before, so that compiled code is not counted among what a connection takes. */
const warmUp = 30
const rounds = 5
const settleMs = 3_000

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
  const [[address = '']] = await Promise.all([listener.call('make', kind, 1), dialers.call('make', kind, warmUp + connections)])
  for (let from = 0; from < warmUp; from++) await dialers.call('hold', address, from)
  await dialers.call('stop', 0, warmUp)
  await listener.call('alone')
  const before = await listener.call('heldBytes', settleMs)
  for (let from = warmUp; from < warmUp + connections; from++) await dialers.call('hold', address, from)
  const after = await listener.call('heldBytes', settleMs)
  const count = await listener.call('connections')
  if (count !== connections) throw new Error(`${count} of ${connections} connections are there`)
  listener.end()
  dialers.end()
  return (after - before) / connections
}
