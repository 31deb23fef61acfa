/**
 * Twelve Node peers over TCP, each knowing one other: they fill their bands. Then six, which live in a process of their own, are killed
 * with it, and the others fill theirs again. The bars are those of the issue: 20 s and 15 s.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { maintenanceBounds, type NodePeer, type Point } from '../../node/index.ts'
import { startPeers } from './twelve-peers.ts'

const { minTarget, maxTarget } = maintenanceBounds({ min: 3, expected: 5, max: 9 })

const peers: NodePeer[] = []
const children: ChildProcess[] = []

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await Promise.all(peers.splice(0).map((peer) => peer.stop()))
})

/** How many connections each has, once all are within their targets. */
async function allInBand(counts: () => readonly number[], deadlineMs: number): Promise<number> {
  const start = performance.now()
  for (;;) {
    const elapsed = performance.now() - start
    if (counts().every((count) => count >= minTarget && count <= maxTarget)) return elapsed
    if (elapsed > deadlineMs) throw new Error(`after ${deadlineMs} ms the connections are ${counts().join(', ')}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('twelve peers that each know one other are within their targets in 20 s, and the rest in 15 s after six were killed', async () => {
  const start = performance.now()
  peers.push(...(await startPeers(6)))
  const points = peers.map(({ pool }) => pool.network.ownPoints()[0] as Point)
  const program = fileURLToPath(new URL('twelve-peers-child.ts', import.meta.url))
  const child = fork(program, points, { execArgv: [] })
  children.push(child)
  let far: readonly number[] = [0]
  const [theirs] = (await once(child, 'message')) as [Point[]]
  child.on('message', (counts: readonly number[]) => {
    far = counts
  })
  // A ring: each of ours knows the one of theirs that knows its neighbour.
  for (const [i, { pool }] of peers.entries()) pool.registerPoint(theirs[(i + 1) % theirs.length] as Point)
  const near = (): number[] => peers.map(({ pool }) => pool.activeConnections)

  await allInBand(() => [...near(), ...far], 20_000 - (performance.now() - start))
  const filledMs = performance.now() - start

  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
  const known = new Set(peers.map(({ pool }) => pool.peerId))
  const killed = performance.now()
  const alive = (): number[] =>
    peers.map(({ pool }) => (pool.connections.list().every(({ peerId }) => known.has(peerId)) ? pool.activeConnections : 0))
  await allInBand(alive, 15_000)
  const healedMs = performance.now() - killed
  console.log(
    `all twelve in the band after ${Math.round(filledMs)} ms, the six left ${Math.round(healedMs)} ms after the others were killed`
  )
  expect(filledMs).toBeLessThan(20_000)
  expect(healedMs).toBeLessThan(15_000)
}, 60_000)
