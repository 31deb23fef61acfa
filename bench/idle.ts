/** Row: what an idle Node peer costs with twenty connections, beside bare libp2p with as many, both in the same minutes. */
import { PeerProcess } from './processes.ts'
import { duration, type Row, ratioRow } from './row.ts'
import { pause } from './timing.ts'

const connections = 20
const settleMs = 15_000
const minuteMs = 60_000
const rounds = 3

export async function idle(): Promise<Row[]> {
  const peers = { baseline: await hubOf('monitored', 'bare'), ours: await hubOf('preset', 'pool') }
  const spent = { baseline: [] as number[], ours: [] as number[] }
  await pause(settleMs)
  for (let round = 0; round < rounds; round++) {
    const before = await Promise.all([peers.baseline.hub.processorMs(), peers.ours.hub.processorMs()])
    await pause(minuteMs)
    const after = await Promise.all([peers.baseline.hub.processorMs(), peers.ours.hub.processorMs()])
    spent.baseline.push(after[0] - before[0])
    spent.ours.push(after[1] - before[1])
  }
  for (const { hub, others } of Object.values(peers)) {
    const count = await hub.call('connections')
    if (count !== connections) throw new Error(`${count} of ${connections} connections are there`)
    hub.end()
    others.end()
  }
  const labels = {
    figure: `a minute of an idle Node peer with ${connections} connections: processor time`,
    against: 'bare libp2p with as many, which asks each every 10 s'
  }
  return [ratioRow(labels, spent, { ratio: 1.2, show: duration })]
}

async function hubOf(kind: 'monitored' | 'preset', otherKind: 'bare' | 'pool'): Promise<{ hub: PeerProcess; others: PeerProcess }> {
  const [hub, others] = [new PeerProcess(), new PeerProcess()]
  const [addresses] = await Promise.all([others.call('make', otherKind, connections), hub.call('make', kind, 1, connections)])
  for (const address of addresses) await hub.call('connect', address)
  return { hub, others }
}
