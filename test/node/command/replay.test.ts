/** A real `p2p-pool node --record`, what it saved, and the same run again. */
import { execFileSync } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventLine } from '../../../node/command/listings.ts'
import { createNodePeer, type NodePeer } from '../../../node/index.ts'
import { command, endOf, loopback, type NodeProcess, spawned, startNode, type TemporaryFolder, temporaryFolder } from './running.ts'

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

it('a late line with another checksum is named, with the last event before it', async () => {
  const lines = gunzipSync(await readFile(file))
    .toString()
    .trimEnd()
    .split('\n')
  for (const back of [1, 3, 8]) {
    const at = lines.length - back
    const changed = lines.map((line, i) => (i === at ? line.replace(/"sum":(\d+)/, (_, sum) => `"sum":${Number(sum) ^ 1}`) : line))
    await writeFile(`${file}.late`, gzipSync(changed.join('\n')))
    const { status, text, complaint } = await command(['replay', `${file}.late`])
    expect({ status, complaint }, `${back}`).toEqual({ status: 1, complaint: '' })
    expect(text).toMatch(new RegExp(`in line ${at + 1}: the core did not ask[^]*\nthe last event before: .*\n$`))
  }
})

it.each([
  ['a field without a value', { peerId: undefined, hosts: ['a'] }, ' greylisted hosts=["a"]\n'],
  ['nothing but such fields', { peerId: undefined }, ' greylisted\n'],
  ['no fields', undefined, ' greylisted\n'],
  ['a list with a hole', { hosts: [undefined] }, ' greylisted hosts=[null]\n']
])('an event with %s has its line', (_, detail, end) => {
  for (const at of [0, 8.64e15, -8.64e15, 1e300, Number.NaN]) expect(eventLine({ type: 'greylisted', detail, at })).toContain(end)
})

it('a recording replaces files alone, and leaves the files of others', async () => {
  const { path } = folder
  const [pipe, sub, target, link, foreign] = ['pipe', 'sub', 'target', 'link', `target.${process.pid}.new`].map((name) => join(path, name))
  if (!pipe || !sub || !target || !link || !foreign) throw new Error('expected five paths')
  execFileSync('mkfifo', [pipe])
  await mkdir(sub)
  await symlink(target, link)
  await writeFile(foreign, 'of another program')
  for (const other of [pipe, sub, '/dev/null'])
    expect(await on('save-recording', other)).toMatchObject({ status: 1, complaint: expect.stringContaining('something else than a file') })
  expect((await lstat(pipe)).isFIFO()).toBe(true)
  expect(await on('save-recording', link)).toMatchObject({ status: 0, complaint: '' })
  expect((await lstat(link)).isSymbolicLink()).toBe(true)
  expect((await lstat(target)).mode & 0o777).toBe(0o600)
  expect(await readFile(foreign, 'utf8')).toBe('of another program')
  expect((await readdir(path)).filter((name) => name.includes('.tmp-'))).toEqual([])
})

it('what is packed is unpacked line by line: a bomb is refused by its first long line', { timeout: 20_000 }, async () => {
  const [header = '', first = ''] = gunzipSync(await readFile(file))
    .toString()
    .split('\n')
  const round = first.replace('"do":[]', '"do":[["call",9007199254740991,"maintain"]]')
  await writeFile(`${file}.round`, gzipSync([header, round, first].join('\n')))
  expect(await spawned('replay', `${file}.round`)).toMatchObject({ status: 64, complaint: expect.stringMatching(/^p2p-pool: line 2.*\n$/) })
  const spaces = gzipSync(Buffer.alloc(30_000_000, 32))
  await writeFile(`${file}.bomb`, Buffer.concat([gzipSync(`${header}\n${first}\n`), ...Array(60).fill(spaces)]))
  const before = process.memoryUsage().rss
  expect(await command(['replay', '--quiet', `${file}.bomb`])).toMatchObject({
    status: 64,
    complaint: expect.stringContaining('expected lines of at most')
  })
  expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000)
})
