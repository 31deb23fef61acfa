/** Every verb of the command against one real `p2p-pool node`, and one peer in this process that it is connected with. */
import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ControlClient } from '../../../node/command/control-client.ts'
import { createNodePeer, type NodePeer } from '../../../node/index.ts'
import { command, endOf, loopback, type NodeProcess, spawned, startNode, type TemporaryFolder, temporaryFolder } from './running.ts'

let folder: TemporaryFolder
let running: NodeProcess
/** The peer at the other end. */
let other: NodePeer
let otherId: string
let otherAddress: string

/** The command, on the data folder of the running peer. */
const on = (...args: readonly string[]) => command([...args, '--data', folder.path])

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { status, text, complaint } = await on(...args, '--json')
  expect({ status, complaint }).toEqual({ status: 0, complaint: '' })
  return JSON.parse(text)
}

beforeAll(async () => {
  folder = await temporaryFolder()
  const node = startNode(folder.path, '--relay', '--http', '0', '--band', '1,2,4', ...loopback)
  const peer = createNodePeer({
    network: 'test',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    minConnections: 0,
    expectedConnections: 0,
    maxConnections: 4
  })
  running = await node
  other = await peer
  otherId = other.pool.peerId
  otherAddress = String(other.node.getMultiaddrs()[0])
})

afterAll(async () => {
  if (running !== undefined) await endOf(running.child, 'SIGKILL')
  await other?.stop()
  await folder?.remove()
})

/** One that comes in by TCP. */
async function connectAndLeave(): Promise<void> {
  const { point, expectedPeerId } = other.pool.parsePoint(running.started.addresses[0] ?? '')
  const { peerId } = await other.pool.connect(point, { expectedPeerId })
  await other.pool.disconnect(peerId)
  await expect.poll(async () => await connectedWith()).toEqual([])
}

const connectedWith = async (): Promise<string[]> => ((await json('peers')).connections as { peerId: string }[]).map(({ peerId }) => peerId)

describe('a peer that was just started', () => {
  it('says its addresses, and the line that a page needs', () => {
    const { addresses, pageLines, pid, relay } = running.started
    expect(addresses).toHaveLength(2)
    expect(pageLines).toEqual([
      {
        line: expect.stringMatching(/^trustedPoints: \['\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\/12D3Koo\w+'\]$/),
        who: 'on this machine, from pages that came over http'
      }
    ])
    expect(pid).toBe(running.child.pid)
    expect(relay).toMatchObject({ used: 0 })
  })

  it('has a socket for its own user alone', async () => {
    const { mode } = await lstat(join(folder.path, 'control.sock'))
    expect((mode & 0o777).toString(8)).toBe('600')
  })

  it('is below its minimum: exit status 1, HTTP status 503; and it is ready', async () => {
    expect(await on('health')).toEqual({
      status: 1,
      text: 'below the minimum: 0 connections; the band is 1 to 4, 2 expected\n',
      complaint: ''
    })
    const { http } = running.started
    expect((await fetch(`${http}/health`)).status).toBe(503)
    expect((await fetch(`${http}/ready`)).status).toBe(200)
  })

  it('keeps a second peer off its folder, which says who holds it', async () => {
    const start = ['node', '--network', 'test', '--data', folder.path, ...loopback]
    const [second, { status, text, complaint }] = await Promise.all([spawned(...start), spawned(...start, '--json')])
    expect(second).toEqual({
      status: 3,
      text: '',
      complaint: `p2p-pool: ${folder.path} is held by process ${running.child.pid}: stop that peer, or name another folder with --data\n`
    })
    expect({ status, complaint }).toEqual({ status: 3, complaint: '' })
    expect(JSON.parse(text)).toEqual({
      version: 1,
      error: { code: 'held', message: expect.stringMatching(`held by process ${running.child.pid}`) }
    })
  })
})

describe('the verbs', () => {
  it('connect: with a multiaddr, then by the id of a peer that is known', async () => {
    expect((await on('connect', otherAddress)).text).toMatch(`connected with ${otherId} at /ip4/127.0.0.1/tcp/`)
    expect(await connectedWith()).toEqual([otherId])
    await on('disconnect', otherId)
    await expect.poll(() => other.pool.activeConnections).toBe(0)
    expect(await json('connect', otherId)).toMatchObject({ version: 1, peerId: otherId })
    expect(await connectedWith()).toEqual([otherId])
  })

  it('connect: exit status 1 and the reason when it cannot', async () => {
    const { status, complaint } = await on('connect', otherAddress)
    expect({ status, complaint }).toEqual({ status: 1, complaint: `p2p-pool: already connected to ${otherId}\n` })
    expect((await on('connect', '/ip4/127.0.0.1/tcp/1')).complaint).toMatch('dial failed (refused)')
  })

  it('metrics: the text that Prometheus reads, also over HTTP', async () => {
    const opened = /^p2p_pool_dials_total\{outcome="opened"\} [1-9]/m
    await expect.poll(async () => (await on('metrics')).text, { timeout: 5_000 }).toMatch(opened)
    const { status, text, complaint } = await on('metrics')
    expect({ status, complaint }).toEqual({ status: 0, complaint: '' })
    expect(text).toMatch(/^# TYPE p2p_pool_connections gauge$/m)
    expect(text).toMatch(/^p2p_pool_relay_reservations\{kind="max"\} 256$/m)
    expect(text).toMatch(/^libp2p_/m)
    expect(text).toMatch(/^process_cpu_seconds_total /m)
    expect((await json('metrics')).metrics).toMatch(opened)
    const response = await fetch(`${running.started.http}/metrics`)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const names = (given: string): readonly string[] => given.split('\n').flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? [])
    expect(names(await response.text())).toEqual(names(text))
  })

  it('health: exit status 0 with as many connections as the minimum', async () => {
    expect((await on('health')).status).toBe(0)
  })

  it('status: as text and as JSON', async () => {
    const { text } = await on('status')
    expect(text).toMatch(`peer       ${running.started.pool.peerId}\n`)
    expect(text).toMatch(/^relay {6}\d of 256 reservations taken, \d+ left$/m)
    expect(await json('status')).toMatchObject({
      version: 1,
      pid: running.child.pid,
      pool: { active: 1, network: 'test' },
      known: { peers: 1 }
    })
  })

  it('peers: a line each, sorted; more with -v', async () => {
    expect((await on('peers')).text).toMatch(new RegExp(`^${otherId} +out +tcp +\\d+ ms +\\d+ s .* 127\\.0\\.0\\.1`, 'm'))
    expect((await on('peers', '-v', '--sort', 'rtt')).text).toMatch('REMOTE ADDRESS')
  })

  it('peer: all that is known of one', async () => {
    expect((await on('peer', otherId)).text).toMatch(
      /now +connected, outgoing, round trip \d+ ms; kept, since .+\n(.*\n)*round trip +\d+ ms; the shortest was \d+ ms/
    )
    expect(await json('peer', otherId)).toMatchObject({ peer: { peerId: otherId, trusted: false }, explanation: { state: 'connected' } })
    expect(await on('peer', running.started.pool.peerId)).toMatchObject({ status: 1, complaint: expect.stringMatching('is not known') })
  })

  it('points: all, or those in one state', async () => {
    const { points } = (await json('points', '--state', 'running')) as { points: { peerId: string }[] }
    expect(points.map(({ peerId }) => peerId)).toEqual([otherId])
    expect((await on('points', '--state', 'requested')).text).toBe('no points\n')
  })

  it('why: the sentence of explain', async () => {
    expect((await on('why', otherId)).text).toMatch(/^connected, outgoing, round trip \d+ ms; kept, since .+\n$/)
    expect((await on('why', '/ip4/192.0.2.1/tcp/4001')).text).toMatch('not a known point')
  })

  it('trust and untrust: a peer, and a point', async () => {
    await on('trust', otherId)
    expect(await json('peer', otherId)).toMatchObject({ peer: { trusted: true } })
    await on('untrust', otherId)
    expect(await json('peer', otherId)).toMatchObject({ peer: { trusted: false } })
    await on('trust', '/ip4/192.0.2.9/tcp/4001')
    const { points } = (await json('points')) as { points: { point: string; trusted: boolean }[] }
    expect(points.find(({ point }) => point === '/ip4/192.0.2.9/tcp/4001')).toMatchObject({ trusted: true })
    await on('untrust', '/ip4/192.0.2.9/tcp/4001')
  })

  it('forget: a point', async () => {
    expect((await on('forget', '/ip4/192.0.2.9/tcp/4001')).text).toBe('forgot /ip4/192.0.2.9/tcp/4001\n')
    expect((await on('forget', '/ip4/192.0.2.9/tcp/4001')).status).toBe(1)
  })

  it('ban, bans, why and unban: a peer for two hours, a host and a range until it is lifted', async () => {
    const before = Date.now()
    const { endsAt } = await json('ban', otherId, '--for', '2h')
    expect(Number(endsAt) - before).toBeGreaterThanOrEqual(7_200_000)
    await expect.poll(() => other.pool.activeConnections).toBe(0)
    expect((await on('why', otherId)).text).toMatch(`peer ${otherId} is banned for 1`)
    await on('ban', '192.0.2.7')
    await on('ban', '198.51.100.0/24')
    await on('ban', 'bad.example.org', '--for', '30m')
    const { text } = await on('bans')
    expect(text).toMatch(new RegExp(`^banned +${otherId} +\\d+ s ago +(2 h|120 min) more$`, 'm'))
    expect(text).toMatch(/^banned +192\.0\.2\.7 +\d+ s ago +until it is lifted$/m)
    expect(text).toMatch(/^banned +198\.51\.100\.0\/24 /m)
    for (const target of [otherId, '192.0.2.7', '198.51.100.0/24', 'bad.example.org']) {
      expect((await on('unban', target)).text).toBe(`${target}: banned no more\n`)
      expect(await on('unban', target)).toEqual({ status: 0, text: `${target}: was not banned\n`, complaint: '' })
    }
    expect((await on('bans')).text).toBe('nobody is banned or greylisted\n')
  })

  it('disconnect: by host; exit status 1 where there is none', async () => {
    await on('connect', otherAddress)
    expect(await json('disconnect', '127.0.0.0/8')).toEqual({ version: 1, disconnected: [otherId] })
    expect((await on('disconnect', otherId)).status).toBe(1)
  })

  it('band: another one is kept; nonsense is refused by name', async () => {
    expect((await on('band', '0', '1', '3')).text).toBe('the band is 0 to 3 connections, 1 expected\n')
    expect(await json('status')).toMatchObject({ pool: { band: { min: 0, expected: 1, max: 3 } } })
    expect(await on('band', '0', 'x', '3')).toMatchObject({
      status: 64,
      complaint: expect.stringMatching('band.expected: expected a whole number from 0 to 10000, got "x"')
    })
    expect((await on('band', '5', '4', '3')).status).toBe(64)
  })

  it('maintain and save', async () => {
    expect((await on('maintain')).text).toMatch(/connection/)
    expect((await on('save')).text).toBe(`saved to ${join(folder.path, 'peers.json')}\n`)
    expect(await readFile(join(folder.path, 'peers.json'), 'utf8')).toMatch(otherId)
  })

  it('clear-greylist: lifts greylistings, and no ban', async () => {
    const client = await ControlClient.connect(folder.path, { timeoutMs: 5_000 })
    await client.ask('greylistAddress', '192.0.2.50')
    client.close()
    await on('ban', '192.0.2.51')
    expect((await on('bans')).text).toMatch(/^greylisted +192\.0\.2\.50 /m)
    expect(await on('clear-greylist')).toEqual({ status: 0, text: 'the greylist is empty\n', complaint: '' })
    const { text } = await on('bans')
    expect(text).not.toMatch('192.0.2.50')
    expect(text).toMatch(/^banned +192\.0\.2\.51 /m)
    await on('unban', '192.0.2.51')
  })

  it('events: the last ones; with --follow those that come', async () => {
    const { text: events } = await on('events')
    expect(events).toMatch(`peer-banned peerId=${otherId}`)
    // A reason is a sentence, as in `why`.
    expect(events).toMatch(new RegExp(`handshake-refused .*peerId=${otherId} \\(already connected to ${otherId}\\)$`, 'm'))
    expect(events).toMatch(new RegExp(`connection-closed peerId=${otherId} .*by=us \\(asked to\\)$`, 'm'))
    const end = new AbortController()
    const followed = command(['events', '-f', '--json', '--data', folder.path], {
      signal: end.signal,
      onText: (line) => {
        if (JSON.parse(line).detail.host === '::ffff:192.0.2.8') end.abort()
      }
    })
    await on('ban', '192.0.2.8')
    const { status, text } = await followed
    expect(status).toBe(0)
    expect(JSON.parse(text.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      version: 1,
      type: 'host-banned',
      detail: { host: '::ffff:192.0.2.8' }
    })
  })
})

it('log: loggers write to standard error of the peer while it runs, until they are switched off', async () => {
  const written = () => running.complaint().match(/libp2p:tcp:listener/g)?.length ?? 0
  expect(written()).toBe(0)
  expect((await on('log', 'libp2p:tcp*', 'p2p-pool:*')).text).toBe('these write to standard error of the peer: libp2p:tcp* p2p-pool:*\n')
  await connectAndLeave()
  await expect.poll(written).toBeGreaterThan(0)
  expect(running.complaint()).toMatch(
    new RegExp(`p2p-pool:connections connection-opened peerId=${otherId} .*direction=incoming transport=tcp`)
  )
  expect(running.complaint()).toMatch(new RegExp(`p2p-pool:connections connection-lost peerId=${otherId} .*by=them reason=explicit`))
  expect((await on('log')).text).toBe('no logger writes\n')
  const before = written()
  await connectAndLeave()
  expect(written()).toBe(before)
})

describe('top', () => {
  it('shows the band and the connections; keys ask why, disconnect after a question, and end it', async () => {
    await on('connect', otherAddress)
    let press: (key: string) => void = () => undefined
    let screen = ''
    let left = false
    const terminal = {
      columns: 160,
      rows: 30,
      enter: (onKey: (key: string) => void) => {
        press = onKey
        return () => {
          left = true
        }
      },
      draw: (lines: readonly string[]) => {
        screen = lines.join('\n')
      }
    }
    const shows = (what: string | RegExp) => expect.poll(() => screen).toMatch(what)
    const ended = command(['top', '--data', folder.path], { terminal })
    await shows(`> ${otherId}  out  tcp`)
    expect(screen).toMatch(/^0 \[#+\|?\.+\] 3$/m)
    press('w')
    await shows(/^connected, outgoing, round trip \d+ ms; kept, since .+$/m)
    press('s')
    await shows('Connections: 1, by rtt')
    press('b')
    await shows(`ban for an hour: ${otherId}? y/n`)
    press('n')
    press('d')
    press('y')
    await shows(`disconnect: ${otherId}: done`)
    await expect.poll(() => other.pool.activeConnections).toBe(0)
    press('q')
    expect(await ended).toMatchObject({ status: 0, complaint: '' })
    expect(left).toBe(true)
  })

  it('needs a terminal', async () => {
    expect(await on('top')).toMatchObject({ status: 64, complaint: expect.stringMatching('top: expected a terminal') })
  })
})

describe('what a person gets wrong', () => {
  it.each([
    [['ban', '300.1.1.1'], 64, 'expected a peer id or a multiaddr or a host or a range such as 192.0.2.0/24, got "300.1.1.1"'],
    [['ban', '192.0.2.1', '--for', 'ever'], 64, 'expected a time such as 90s, 30m, 2h or 7d, got "ever"'],
    [['trust', '192.0.2.1'], 64, 'expected a peer id or a multiaddr, got a host: "192.0.2.1"'],
    [['peers', '--sort', 'beauty'], 64, 'Allowed choices are age, rtt'],
    [['stauts'], 64, 'Did you mean status?'],
    [['connect'], 64, "missing required argument 'target'"]
  ])('%j ends with %i and says what was expected', async (args, status, message) => {
    const result = await on(...args)
    expect(result).toMatchObject({ status, text: '' })
    expect(result.complaint).toContain(message)
  })

  it('with --json an error is an object with code and message', async () => {
    const { status, text, complaint } = await on('why', 'x y', '--json')
    expect({ status, complaint }).toEqual({ status: 64, complaint: '' })
    expect(JSON.parse(text)).toMatchObject({ version: 1, error: { code: 'usage', message: expect.stringMatching('expected a peer id') } })
  })

  it('every verb has its help', async () => {
    const { status, text } = await command(['--help'])
    expect(status).toBe(0)
    const verbs = [...text.matchAll(/^ {2}([a-z-]+) \[options\]/gm)].map(([, verb]) => verb ?? '')
    expect(verbs).toHaveLength(25)
    for (const verb of verbs) expect((await command([verb, '--help'])).text).toMatch(`Usage: p2p-pool ${verb} [options]`)
  })

  it('no peer on the folder: exit status 2', async () => {
    const empty = await temporaryFolder()
    const { status, complaint } = await command(['health', '--data', empty.path])
    await empty.remove()
    expect({ status, complaint }).toEqual({ status: 2, complaint: expect.stringMatching(`no peer runs on ${empty.path}`) })
  })
})

it('the process of a verb writes no colours into a pipe, and ends with its exit status', async () => {
  expect(await spawned('health', '--data', folder.path)).toMatchObject({
    status: 0,
    text: expect.stringMatching(/^in the band: 0 connections/),
    complaint: ''
  })
})

it('on SIGTERM the peer saves, leaves its folder free, and ends with status 0', async () => {
  expect(await endOf(running.child, 'SIGTERM')).toBe(0)
  await expect(lstat(join(folder.path, 'control.sock'))).rejects.toThrow('ENOENT')
  expect((await on('status')).status).toBe(2)
  running = await startNode(folder.path, ...loopback)
  expect(await json('bans')).toMatchObject({ blocks: [{ kind: 'banned', host: '::ffff:192.0.2.8' }] })
})

it('after a crash another one takes the folder', async () => {
  await endOf(running.child, 'SIGKILL')
  running = await startNode(folder.path, ...loopback)
  expect((await on('status')).status).toBe(0)
})
