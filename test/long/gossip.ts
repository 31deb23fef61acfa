/** A Gossipsub room on connections of the pool, with nodes that come and go for ten minutes. `test/apps/gossip-room.ts` is the room. */
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { band, meshBounds, runRoom } from '../apps/gossip-room.ts'
import { type LongRun, median, seconds } from './finding.ts'

const nodes = 12
const churnMs = 5_000

/** Run once: the shares that are allowed leave room for a busy machine. */
export const gossip: LongRun = {
  name: 'gossip',
  about: `a Gossipsub room of ${nodes} nodes, one of which is replaced every ${churnMs / 1_000} s. 10 minutes`,
  async run({ scale, seed, say }) {
    const forMs = 600_000 * scale
    const room = await runRoom({ nodes, forMs, churnMs, sayMs: 250, random: seededRandom(seed) })
    const {
      said,
      expected,
      missed,
      latencyMs,
      meshes,
      longestThinMs,
      meshedAfterMs,
      changesPerMinute,
      mostConnections,
      mostInLibp2p,
      came
    } = room
    const sorted = latencyMs.toSorted((a, b) => a - b)
    const thin = meshes.filter((size) => size < meshBounds.low).length / meshes.length
    say(
      `${came} nodes in all, ${said} messages; reached after ${median(latencyMs).toFixed(1)} ms, 99 % within ${sorted[Math.floor(sorted.length * 0.99)]?.toFixed(1)} ms`
    )
    say(
      `meshes of ${Math.min(...meshes)} to ${Math.max(...meshes)} peers, median ${median(meshes)}; ${changesPerMinute.toFixed(1)} changes per node and minute`
    )
    say(`a node that came had its mesh after ${seconds(median(meshedAfterMs))}, the slowest after ${seconds(Math.max(...meshedAfterMs))}`)
    return [
      {
        what: 'messages that did not reach a node',
        measured: `${missed} of ${expected}`,
        target: 'one in a thousand at most',
        holds: missed <= expected / 1_000
      },
      {
        what: `meshes below ${meshBounds.low} peers`,
        measured: `${(thin * 100).toFixed(2)} %`,
        target: '2 % at most',
        holds: thin <= 0.02
      },
      { what: 'the longest time below', measured: seconds(longestThinMs), target: '10 s at most', holds: longestThinMs <= 10_000 },
      {
        what: 'the most connections of a pool',
        measured: String(mostConnections),
        target: `${band.maxConnections} at most`,
        holds: mostConnections <= band.maxConnections
      },
      {
        what: 'the most connections in libp2p',
        measured: String(mostInLibp2p),
        target: `${2 * (nodes - 1)} at most: two with each other node, where both dialed`,
        holds: mostInLibp2p <= 2 * (nodes - 1)
      }
    ]
  }
}
