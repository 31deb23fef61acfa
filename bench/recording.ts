/**
 * Rows: what a recording costs a Node peer with a hundred connections, at rest and while each of its peers sends it a message every second.
 * Two peers in one run, one of them recorded; the same hundred others are connected with both.
 */
import { PeerProcess } from './processes.ts'
import { bytes, duration, type Row, ratioRow } from './row.ts'
import { pause } from './timing.ts'

const connections = 100
const messageBytes = 1_024
const settleMs = 20_000
const windowMs = 20_000
const rounds = 5
const bar = 1.03
const hourMs = 3_600_000

/** One that has found the peer by itself is connected already; how many are is counted at the end. */
async function connect(others: PeerProcess, address: string, from: number): Promise<void> {
  await others.call('connect', address, from).catch((error: Error) => {
    if (!/already|another connection/.test(error.message)) throw error
  })
}

export async function recording(): Promise<Row[]> {
  const [plain, recorded, others] = [new PeerProcess(), new PeerProcess(), new PeerProcess()]
  try {
    const [[to = ''], [toRecorded = '']] = await Promise.all([
      plain.call('make', 'wide', 1, connections),
      recorded.call('make', 'recorded', 1, connections),
      others.call('make', 'pool', connections)
    ])
    await Promise.all([plain.call('read'), recorded.call('read')])
    for (let from = 0; from < connections; from++) {
      for (const address of [to, toRecorded]) await connect(others, address, from)
    }
    // What is called for the first time is slow.
    await others.call('talk', messageBytes, settleMs)
    const measure = async (what: string, work: () => Promise<unknown>): Promise<Row> => {
      const spent = { baseline: [] as number[], ours: [] as number[] }
      const before = await recorded.call('recordedBytes')
      for (let round = 0; round < rounds; round++) {
        const begun = await Promise.all([plain.processorMs(), recorded.processorMs()])
        await work()
        const ended = await Promise.all([plain.processorMs(), recorded.processorMs()])
        spent.baseline.push(ended[0] - begun[0])
        spent.ours.push(ended[1] - begun[1])
      }
      const perHour = (((await recorded.call('recordedBytes')) - before) * hourMs) / (rounds * windowMs)
      const labels = {
        figure: `a recorded Node peer with ${connections} connections, ${what}: processor time of ${windowMs / 1_000} s (${bytes(perHour)} of recording an hour)`,
        against: 'one that is not recorded'
      }
      return ratioRow(labels, spent, { ratio: bar, show: duration })
    }
    const talking = await measure('each of which sends 1 KiB a second', () => others.call('talk', messageBytes, windowMs))
    await pause(settleMs)
    const resting = await measure('at rest', () => pause(windowMs))
    for (const hub of [plain, recorded]) {
      const count = await hub.call('connections')
      // The two may have found each other.
      if (count < connections) throw new Error(`${count} of ${connections} connections are there`)
    }
    return [talking, resting]
  } finally {
    for (const one of [plain, recorded, others]) one.end()
  }
}
