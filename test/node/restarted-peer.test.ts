/**
 * The only peer that somebody knows is killed and started again: the connection is made anew at once, and not after the pause that
 * follows an ordinary one.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { createNodePeer, type NodePeer, type Point } from '../../node/index.ts'

const afterConnectionMs = 10_000
/** The shortest that the pause can be, a fifth less for jitter; in it the other program must start. */
const boundMs = 8_000

let peer: NodePeer | undefined
let child: ChildProcess | undefined

afterEach(async () => {
  child?.kill('SIGKILL')
  await peer?.stop()
})

/** Starts the other program and says where it listens. */
async function startOther(address: string): Promise<Point> {
  child = fork(fileURLToPath(new URL('restarted-peer-child.ts', import.meta.url)), [address], { execArgv: [] })
  const [point] = (await once(child, 'message')) as [Point]
  return point
}

async function connected(): Promise<void> {
  await expect.poll(() => peer?.pool.activeConnections, { timeout: 20_000, interval: 20 }).toBe(1)
}

test('who was alone with a peer that is killed and comes back holds it again within 8 s, where the pause is 10 s', async () => {
  const point = await startOther('/ip4/127.0.0.1/tcp/0')
  peer = await createNodePeer({
    network: 'test',
    listen: [],
    minConnections: 1,
    expectedConnections: 1,
    maxConnections: 3,
    reconnection: { afterConnectionMs }
  })
  peer.pool.registerPoint(point)
  await connected()
  await new Promise((resolve) => setTimeout(resolve, afterConnectionMs + 500))

  const lost = new Promise((resolve) => peer?.pool.addEventListener('connection-lost', resolve))
  child?.kill('SIGKILL')
  await lost
  const lostAt = performance.now()
  await startOther(point)
  await connected()
  const tookMs = Math.round(performance.now() - lostAt)
  console.log(`connected again ${tookMs} ms after the connection was lost`)
  expect(tookMs).toBeLessThan(boundMs)
}, 60_000)
