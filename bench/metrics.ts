/** Rows: what it costs a `p2p-pool node` with a hundred connections that its metrics are read fifty times a second. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { PeerProcess } from './processes.ts'
import { processorMsOf } from './processor-time.ts'
import { duration, type Row, ratioRow } from './row.ts'
import { pause } from './timing.ts'

const connections = 100
const requestsPerSecond = 50
const windowMs = 10_000
const rounds = 3
const settleMs = 15_000

export async function metrics(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'p2p-'))
  const peer = await startNode(folder)
  const others = new PeerProcess()
  try {
    await others.call('make', 'pool', connections)
    for (let from = 0; from < connections; from++) await others.call('connect', peer.address, from)
    await pause(settleMs)
    const text = await (await fetch(`${peer.http}/metrics`)).text()
    if (!text.includes(`p2p_pool_connections{direction="incoming"} ${connections}\n`))
      throw new Error(`${connections} connections are not there`)
    const spent = { health: [] as number[], ours: [] as number[], processor: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      const idle = await spentMs(peer.pid, () => pause(windowMs))
      const health = await spentMs(peer.pid, () => ask(`${peer.http}/health`))
      const scraped = await spentMs(peer.pid, () => ask(`${peer.http}/metrics`))
      // Per second, without what the peer does anyway.
      spent.health.push(((health - idle) * 1_000) / windowMs)
      spent.ours.push(((scraped - idle) * 1_000) / windowMs)
      spent.processor.push(1_000)
    }
    const figure = `${requestsPerSecond} scrapes of \`/metrics\` a second, ${connections} connections: processor time in a second`
    return [
      ratioRow({ figure, against: 'one processor' }, { baseline: spent.processor, ours: spent.ours }, { ratio: 0.05, show: duration }),
      ratioRow({ figure, against: 'as many requests for `/health`' }, { baseline: spent.health, ours: spent.ours }, { show: duration })
    ]
  } finally {
    others.end()
    peer.end()
    await peer.ended
    await rm(folder, { recursive: true, force: true })
  }
}

/** As people run it; the dialers share one host. */
async function startNode(folder: string) {
  const config = join(folder, 'settings.json')
  const band = { minConnections: 0, expectedConnections: 0, maxConnections: 3 * connections }
  await writeFile(config, JSON.stringify({ network: 'bench', inboundConnectionThreshold: 10_000, allowPrivatePoints: true, ...band }))
  const command = fileURLToPath(new URL('../node/command/p2p-pool.ts', import.meta.url))
  const args = ['node', '--config', config, '--data', join(folder, 'data'), '--listen', '/ip4/127.0.0.1/tcp/0', '--http', '0', '--json']
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const { http, addresses } = JSON.parse(line) as { http: string; addresses: readonly string[] }
  return { pid: child.pid ?? 0, http, address: addresses[0] ?? '', end: () => void child.kill(), ended }
}

async function spentMs(pid: number, act: () => Promise<unknown>): Promise<number> {
  const before = await processorMsOf(pid, Number.NaN)
  await act()
  return (await processorMsOf(pid, Number.NaN)) - before
}

/** At a steady rate for the time of a window. */
async function ask(url: string): Promise<void> {
  const startedAt = performance.now()
  const asked: Promise<unknown>[] = []
  for (let i = 0; i < (requestsPerSecond * windowMs) / 1_000; i++) {
    await pause(Math.max(0, startedAt + (i * 1_000) / requestsPerSecond - performance.now()))
    asked.push(fetch(url).then((response) => response.arrayBuffer()))
  }
  await Promise.all(asked)
}
