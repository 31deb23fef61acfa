/** A real `p2p-pool node --record`, what it saved, and the same run again. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createNodePeer, type NodePeer } from '../../../node/index.ts'
import { command, endOf, loopback, type NodeProcess, startNode, type TemporaryFolder, temporaryFolder } from './running.ts'

const secret = 'a message that must stay here'
let folder: TemporaryFolder
let running: NodeProcess
let others: NodePeer[]
let file: string

const on = (...args: readonly string[]) => command([...args, '--data', folder.path])

beforeAll(async () => {
  folder = await temporaryFolder()
  file = join(folder.path, 'incident')
  const init = { network: 'test', listen: ['/ip4/127.0.0.1/tcp/0'], minConnections: 0, expectedConnections: 0, maxConnections: 4 }
  const [node, ...peers] = await Promise.all([
    startNode(folder.path, '--record', '--relay', '--band', '0,1,4', ...loopback),
    createNodePeer(init),
    createNodePeer(init),
    createNodePeer(init)
  ])
  running = node
  others = peers
})

afterAll(async () => {
  if (running !== undefined) await endOf(running.child, 'SIGKILL')
  await Promise.all((others ?? []).map((peer) => peer.stop()))
  await folder?.remove()
})

it('a run with real sockets replays to the same state', async () => {
  const [first, second, third] = others
  if (first === undefined || second === undefined || third === undefined) throw new Error('expected three peers')
  for (const { pool } of [first, second]) {
    const { point, expectedPeerId } = pool.parsePoint(running.started.addresses[0] ?? '')
    const connection = await pool.connect(point, { expectedPeerId })
    await connection.send(new TextEncoder().encode(secret))
  }
  expect(await on('connect', String(third.node.getMultiaddrs()[0]))).toMatchObject({ status: 0 })
  expect(await on('ban', first.pool.peerId)).toMatchObject({ status: 0 })
  await expect.poll(() => first.pool.activeConnections).toBe(0)
  await second.stop()
  expect(await on('save-recording', file)).toMatchObject({ status: 0, complaint: '' })

  const { status, text, complaint } = await command(['replay', file])
  expect({ status, complaint, end: text.trimEnd().split('\n').at(-1) }).toEqual({ status: 0, complaint: '', end: 'same as recorded' })
  expect(text).toContain('connection-opened')
  const json = JSON.parse((await command(['replay', file, '--quiet', '--json'])).text)
  expect(json).toMatchObject({ isSame: true, hash: json.recordedHash, peerId: running.started.pool.peerId })
  expect(json.snapshot.bannedPeers).toEqual([first.pool.peerId])
  expect(json.snapshot.connections.map(({ peerId }: { peerId: string }) => peerId)).toContain(third.pool.peerId)
})

it('no message and no key is in the file', async () => {
  const text = gunzipSync(await readFile(file)).toString()
  const bytes = [...text.matchAll(/[A-Za-z0-9+/]{8,}={0,2}/g)].map(([found]) => Buffer.from(found, 'base64').toString('latin1')).join()
  expect(text.includes(secret) || bytes.includes(secret)).toBe(false)
  const key = await readFile(join(folder.path, 'identity'))
  expect(key.length).toBeGreaterThan(32)
  expect(text.includes(key.toString('base64')) || bytes.includes(key.toString('latin1'))).toBe(false)
})

it('a changed recording is not the same any more, and one that is none is refused with its line', async () => {
  const lines = gunzipSync(await readFile(file))
    .toString()
    .split('\n')
  const drawn = lines.findIndex((line, i) => i > 1 && line.includes('"chance":['))
  const changed = lines.map((line, i) => (i === drawn ? line.replace('"chance":[', '"chance":[1,') : line))
  await writeFile(`${file}.changed`, gzipSync(changed.join('\n')))
  const { status, text } = await command(['replay', '--quiet', `${file}.changed`])
  expect({ status, text }).toEqual({ status: 1, text: expect.stringContaining(`not as recorded from`) })
  expect(text).toContain(`in line ${drawn + 1}:`)
  await writeFile(`${file}.broken`, [lines[0], '{"at":-1,"do":[],"sum":0}'].join('\n'))
  expect(await command(['replay', `${file}.broken`])).toMatchObject({
    status: 64,
    complaint: expect.stringMatching(/line 2\.at: expected a whole number.*got -1/)
  })
})
