/** The process `p2p-pool` where something around it fails: a peers file that is none, readers that end, full disks. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lineOf } from '../../../node/command/control-lines.ts'
import { defaultDataFolder, holdDataFolder } from '../../../node/command/data-folder.ts'
import { bin, command, endOf, loopback, spawned, startNode, type TemporaryFolder, temporaryFolder } from './running.ts'

let folder: TemporaryFolder
let children: ChildProcess[] = []
/** Each leads a group: the peer in it must not outlive a test that failed. */
let shells: ChildProcess[] = []

beforeEach(async () => {
  folder = await temporaryFolder()
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const { pid, exitCode } of shells) if (pid !== undefined && exitCode === null) process.kill(-pid, 'SIGKILL')
  children = []
  shells = []
  await folder.remove()
})

const at = (name: string): string => join(folder.path, name)

async function start(...args: readonly string[]) {
  const node = await startNode(folder.path, '--band', '0,0,4', ...loopback, ...args)
  children.push(node.child)
  return node
}

/** A line for the shell, in which `$P` is the command and `$D` the data folder. */
function shell(line: string): ChildProcess {
  const child = spawn('sh', ['-c', line], {
    env: { ...process.env, P: `${process.execPath} ${bin}`, D: folder.path },
    detached: true,
    stdio: 'pipe'
  })
  shells.push(child)
  return child
}

async function ofShell(line: string): Promise<{ status: number; complaint: string }> {
  const child = shell(line)
  let complaint = ''
  child.stderr?.on('data', (chunk) => {
    complaint += chunk
  })
  const [status] = (await once(child, 'close')) as [number]
  return { status, complaint }
}

const runs = () => expect.poll(async () => (await command(['status', '--data', folder.path])).status, { timeout: 20_000 }).toBe(0)

/** The process that holds the folder. */
async function pid(): Promise<number> {
  return Number(await readFile(at('node.pid'), 'utf8'))
}

const nodeLine = `exec $P node --network test --data $D --band 0,0,4 ${loopback.join(' ')}`

describe('the data folder', () => {
  it('is not ours any more when the pid file names another process', async () => {
    const held = await holdDataFolder(folder.path)
    expect(await held.isOurs()).toBe(true)
    await writeFile(at('node.pid'), '1\n')
    expect(await held.isOurs()).toBe(false)
    await held.release()
    expect(await readFile(at('node.pid'), 'utf8')).toBe('1\n')
  })

  it.each(['a file', 'a link'])('whose lock is %s is refused by name', async (kind) => {
    if (kind === 'a link') await symlink(folder.path, at('node.lock'))
    else await writeFile(at('node.lock'), '')
    await expect(holdDataFolder(folder.path)).rejects.toThrow(`${at('node.lock')} should be a folder or nothing, but it is ${kind}`)
  })

  it('is the one in the home folder if the environment names none', () => {
    expect(defaultDataFolder({})).toBe(join(homedir(), '.p2p-pool'))
    expect(defaultDataFolder({ P2P_POOL_DATA: '' })).toBe(join(homedir(), '.p2p-pool'))
    expect(defaultDataFolder({ P2P_POOL_DATA: '/x' })).toBe('/x')
  })
})

describe('a peers file', () => {
  it('that is broken is told with the place where it is kept', async () => {
    await writeFile(at('peers.json'), 'nonsense')
    const node = await start()
    expect(node.complaint()).toMatch(`the file is kept as ${at('peers.json.broken-1')}`)
    expect(node.complaint()).not.toMatch('in memory alone')
  })

  it('that is a link to another file leaves that file as it is', async () => {
    await mkdir(at('elsewhere'))
    await writeFile(at('elsewhere/letter'), 'dear')
    await symlink(at('elsewhere/letter'), at('peers.json'))
    const node = await start()
    expect(node.complaint()).toMatch(`the peers file ${at('peers.json')} is a link to ${at('elsewhere/letter')}`)
    await command(['ban', '192.0.2.1', '--data', folder.path])
    expect(await endOf(node.child, 'SIGTERM')).toBe(0)
    expect(await readdir(at('elsewhere'))).toEqual(['letter'])
    expect(await readFile(at('elsewhere/letter'), 'utf8')).toBe('dear')
  })
})

describe('what is written', () => {
  it.each(['2>/dev/full', '2>&1 >/dev/null | true', '| true', '>/dev/full'])('a peer with %s runs on', async (where) => {
    const ended = once(shell(`${nodeLine} ${where}`), 'close')
    await runs()
    expect((await command(['log', '*', '--data', folder.path])).status).toBe(0)
    expect((await command(['connect', '/ip4/127.0.0.1/tcp/1', '--data', folder.path])).status).toBe(1)
    await sleep(300)
    expect((await command(['status', '--data', folder.path])).status).toBe(0)
    process.kill(await pid(), 'SIGTERM')
    await ended
    expect((await readdir(folder.path)).sort()).toEqual(['identity', 'peers.json'])
  })

  it('on a full disk ends a verb with status 1; a reader that ends does not', async () => {
    await start()
    expect(await ofShell('$P status --data $D >/dev/full')).toEqual({
      status: 1,
      complaint: expect.stringMatching('p2p-pool: cannot write to standard output: .*ENOSPC')
    })
    expect(await ofShell('{ $P status --data $D; echo "status $?" >&2; } | true')).toEqual({ status: 0, complaint: 'status 0\n' })
    const follower = ofShell('{ $P events -f --data $D; echo "status $?" >&2; } | head -1')
    let hasEnded = false
    void follower.then(() => {
      hasEnded = true
    })
    // It notices at the first event that it cannot write.
    for (let n = 1; !hasEnded && n < 200; n++) {
      await command(['ban', `192.0.2.${n}`, '--data', folder.path])
      await sleep(100)
    }
    expect(await follower).toEqual({ status: 0, complaint: 'status 0\n' })
  })
})

describe('events', () => {
  it('-f ends with status 2 when the peer is killed', async () => {
    const { child } = await start()
    await command(['ban', '192.0.2.1', '--data', folder.path])
    let seen = ''
    const onText = (text: string): void => {
      seen += text
    }
    const followed = command(['events', '-f', '--data', folder.path], { onText })
    await expect.poll(() => seen).toMatch('host-banned')
    await endOf(child, 'SIGKILL')
    expect(await followed).toMatchObject({ status: 2, complaint: expect.stringMatching('the peer ended or closed the connection') })
  })

  it('end with status 2 after half an answer', async () => {
    const server = createServer((socket: Socket) => {
      socket.once('data', () => socket.end(lineOf({ id: 1, event: { type: 'new-peer', detail: {}, at: 0 } })))
    })
    await once(server.listen(at('control.sock')), 'listening')
    const { status, text, complaint } = await command(['events', '--data', folder.path])
    server.close()
    expect({ status, complaint }).toEqual({ status: 2, complaint: expect.stringMatching('before events was done') })
    expect(text).toMatch('new-peer')
  })
})

describe('a file of settings', () => {
  const settings = (value: unknown) => writeFile(at('settings.json'), JSON.stringify(value))

  it('sets options of the peer and of the command; words win', async () => {
    await settings({
      network: 'another',
      relay: { maxReservations: 7 },
      minConnections: 1,
      expectedConnections: 2,
      maxConnections: 3,
      http: 0,
      control: '127.0.0.1:0'
    })
    const node = await startNode(folder.path, '--config', at('settings.json'), '--relay', ...loopback)
    children.push(node.child)
    expect(node.started).toMatchObject({
      pool: { network: 'test', band: { min: 1, expected: 2, max: 3 } },
      relay: { max: 7 },
      http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      control: expect.stringMatching(/^127\.0\.0\.1:\d+$/)
    })
  })

  it.each([
    [{ bogus: 1 }, 'unknown option "bogus": expected one of minConnections'],
    [{ network: 7 }, 'network: expected a text of 1 to 64 bytes, got 7'],
    [{ relay: { maxReservations: 0 } }, 'relay.maxReservations: expected a whole number from 1 to 1000000, got 0'],
    [{ trustedPoints: 'x' }, 'trustedPoints in the file: expected an array, got "x"'],
    [{ data: 7 }, 'data in the file: expected a text, got 7'],
    [{ http: true }, 'http in the file: expected a text, got true'],
    [{ control: '192.0.2.1:7' }, '--control: expected a host of the loopback'],
    [[], 'to hold an object with options']
  ])('with %j is refused by name', async (value, message) => {
    await settings(Array.isArray(value) ? value : { network: 'test', ...value })
    const { status, text, complaint } = await command(['node', '--config', at('settings.json'), '--data', folder.path, ...loopback])
    expect({ status, text }).toEqual({ status: 64, text: '' })
    expect(complaint).toContain(message)
    expect((await readdir(folder.path)).filter((name) => /pid|lock|sock/.test(name))).toEqual([])
  })
})

it.each([
  [['--network', ''], '--network: expected a text of 1 to 64 bytes, got ""'],
  [['--band', '5,4,3'], '--band: expected MIN,EXPECTED,MAX, none smaller than the one before, got "5,4,3"'],
  [['--band', '0,0,99999'], '--band: maxConnections: expected a whole number from 0 to 10000, got 99999'],
  [['--listen', '/ip4/127.0.0.1/tcp/0', '--listen', 'x'], '--listen: expected a multiaddr '],
  [['--announce', 'x'], '--announce: expected a multiaddr '],
  [['--peer', 'x'], '--peer: expected a multiaddr or host:port#peerId, got "x"'],
  [['--tls-key', '/nowhere/key', '--tls-cert', '/nowhere/cert'], '--tls-key: cannot read /nowhere/key: ENOENT'],
  [['--tls-key', bin, '--tls-cert', '/nowhere/cert'], '--tls-cert: cannot read /nowhere/cert: ENOENT'],
  [['--tls-key', bin, '--tls-cert', bin], '--tls-key and --tls-cert'],
  [['--tls-key', '', '--tls-cert', bin], '--tls-key: expected']
] as const)('%j is refused by the name of the option as it was typed', async (words, message) => {
  const { status, text, complaint } = await command(['node', '--network', 'test', '--data', folder.path, ...words])
  expect({ status, text }).toEqual({ status: 64, text: '' })
  expect(complaint.slice(0, `p2p-pool: ${message}`.length)).toBe(`p2p-pool: ${message}`)
})

it('an option of the file keeps its name beside words', async () => {
  await writeFile(at('settings.json'), JSON.stringify({ minConnections: 1, expectedConnections: 5, maxConnections: 3 }))
  const { complaint } = await command(['node', '--config', at('settings.json'), '--network', 'test', '--data', folder.path])
  expect(complaint).toMatch(/^p2p-pool: maxConnections: expected/)
})

it('a start says where HTTP and control listen', async () => {
  const { stdout } = shell(`${nodeLine} --http 0 --control 0`)
  let text = ''
  stdout?.on('data', (chunk) => {
    text += chunk
  })
  await expect.poll(() => text, { timeout: 20_000 }).toMatch('Ctrl-C ends it.')
  const [, url] = /^http +(http:\/\/127\.0\.0\.1:\d+)\/health$/m.exec(text) ?? []
  for (const path of ['ready', 'metrics']) expect(text).toMatch(`  ${url}/${path}\n`)
  expect(text).toMatch(/^control +127\.0\.0\.1:\d+$/m)
})

it('a file of settings that is a pipe or a device is refused, not waited for', async () => {
  await promisify(execFile)('mkfifo', [at('pipe')])
  for (const path of [at('pipe'), '/dev/zero', folder.path]) {
    const { status, complaint } = await spawned('node', '--config', path, '--data', folder.path)
    expect({ status, complaint }).toEqual({ status: 64, complaint: expect.stringMatching(`${path} should be a file, but it is a `) })
  }
  await rm(at('pipe'))
})
