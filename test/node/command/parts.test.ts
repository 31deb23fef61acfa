/** The parts of the command that need no peer: what people write, what they read. */
import { describe, expect, it } from 'vitest'
import { healthOf } from '../../../node/command/health.ts'
import { eventLine } from '../../../node/command/listings.ts'
import { readNodeSettings } from '../../../node/command/node-settings.ts'
import type { PeerStatus } from '../../../node/command/peer-status.ts'
import { pageLines } from '../../../node/command/status-text.ts'
import { readDuration, readTarget } from '../../../node/command/target.ts'
import { bytes, duration, safe, safeJson, table } from '../../../node/command/text-output.ts'
import { gauge, type TopRow, topLines } from '../../../node/command/top-screen.ts'
import type { Host, PeerId, PoolSnapshot } from '../../../node/index.ts'
import { maintenanceBounds } from '../../../node/index.ts'

const id = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'

describe('a target', () => {
  it.each([
    [id, { kind: 'peer', peerId: id }],
    [`/p2p/${id}`, { kind: 'peer', peerId: id }],
    ['/ip4/192.0.2.1/tcp/4001', { kind: 'point', point: '/ip4/192.0.2.1/tcp/4001', expectedPeerId: undefined }],
    [`/dns4/example.org/tcp/443/tls/ws/p2p/${id}`, { kind: 'point', point: '/dns4/example.org/tcp/443/tls/ws', expectedPeerId: id }],
    [`192.0.2.1:4001#${id}`, { kind: 'point', point: '/ip4/192.0.2.1/tcp/4001', expectedPeerId: id }],
    ['192.0.2.1', { kind: 'host', host: '::ffff:192.0.2.1' }],
    ['[2001:DB8::1]', { kind: 'host', host: '2001:db8::1' }],
    ['Example.org', { kind: 'host', host: 'example.org' }],
    ['192.0.2.77/24', { kind: 'range', range: '192.0.2.0/24' }],
    ['2001:db8::/32', { kind: 'range', range: '2001:db8::/32' }]
  ])('%s is understood', (text, target) => {
    expect(readTarget(text, 'peer', 'point', 'host', 'range')).toEqual(target)
  })

  it.each(['', ' ', '192.0.2.0/33', '/ip4/192.0.2.1', 'a b', 'exa mple.org/24', '1.2.3.4.5', '1.2.3', '0x7f.1', `${id}x`, '\u001b[2J'])(
    '%j is none',
    (text) => {
      expect(() => readTarget(text, 'peer', 'point', 'host', 'range')).toThrow(/expected a/)
    }
  )
})

it('times are read with their unit', () => {
  expect(['90s', '30m', '2h', '7d'].map(readDuration)).toEqual([90_000, 1_800_000, 7_200_000, 604_800_000])
  for (const wrong of ['', '0s', '2', '-1h', '1w', '1.5h', '9999999s'])
    expect(() => readDuration(wrong)).toThrow('expected a time such as 90s')
})

describe('text for a terminal', () => {
  it('shows what could steer it instead of doing it', () => {
    expect(safe('a\u001b[2J\u009b1m\u202eb\nc')).toBe('a\\u001b[2J\\u009b1m\\u202eb\\u000ac')
    expect(JSON.parse(safeJson({ text: '\u009b\u202e' }))).toEqual({ text: '\u009b\u202e' })
    expect(safeJson({ text: '\u009b\u202e' })).toBe('{"text":"\\u009b\\u202e"}')
    const hidden = { text: '\u007f\u200b\u{e0041}\u2029\n', more: [1] }
    expect(JSON.parse(safeJson(hidden, 2))).toEqual(hidden)
    expect(safeJson(hidden, 2)).toBe('{\n  "text": "\\u007f\\u200b\\udb40\\udc41\\u2029\\n",\n  "more": [\n    1\n  ]\n}')
  })

  it('has columns, numbers to the right', () => {
    const rows = [
      ['a', '1'],
      ['long\u001b', '100']
    ]
    expect(table(['name', 'count>'], rows, { hasColors: false })).toBe('NAME        COUNT\na               1\nlong\\u001b    100\n')
  })

  it('rounds times and sizes', () => {
    expect([900, 119_000, 3_600_000, 86_400_000, 864_000_000].map(duration)).toEqual(['1 s', '119 s', '60 min', '24 h', '10 d'])
    expect([0, 999, 1_200, 250_000, 3_400_000_000].map(bytes)).toEqual(['0 B', '999 B', '1.2 kB', '250 kB', '3.4 GB'])
  })

  it('an event is one line, whatever a peer wrote into its reason', () => {
    const line = eventLine({ type: 'connection-lost', detail: { host: '::ffff:192.0.2.1', ending: { text: 'bye\n\u001b[2J' } }, at: 0 })
    expect(line).toMatch(/^[\d-]+ [\d:]+ connection-lost host=192\.0\.2\.1 ending=\{"text":"bye\\n\\u001b\[2J"\}\n$/)
  })
})

describe('the screen of top', () => {
  const status = (active: number) =>
    ({
      health: 'in-band',
      startedAt: Date.now(),
      explanation: { text: 'nothing to do' },
      pool: { peerId: id, network: 'test', active, band: { min: 10, expected: 50, max: 100 } }
    }) as unknown as PeerStatus
  const row = (n: number) =>
    ({
      peerId: `peer-${n}`,
      direction: 'incoming',
      transport: 'ws',
      rttMs: { last: 5, least: 4 },
      establishedAt: Date.now(),
      receiving: 1_500,
      sending: 0,
      host: '::ffff:192.0.2.1',
      trusted: false
    }) as unknown as TopRow
  const view = (rows: number, selected: number) => ({
    ...{ status: status(rows), rows: Array.from({ length: rows }, (_, n) => row(n)), selected },
    ...{ sort: 'age', events: [{ type: 'band-changed', detail: {}, at: 0 }], message: 'why' }
  })

  it.each([
    [80, 24, 3, 0],
    [80, 24, 100, 99],
    [200, 60, 40, 20],
    [20, 12, 5, 4],
    [10, 3, 0, 0]
  ])(
    'of %i by %i with %i connections has no line too wide, none too many, and shows the selected one',
    (columns, rows, count, selected) => {
      const lines = topLines(view(count, selected), { columns, rows, hasColors: false })
      expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(columns)
      if (rows >= 12) expect(lines).toHaveLength(rows)
      if (count > 0) expect(lines.some((line) => line.startsWith(`> peer-${selected}`))).toBe(true)
    }
  )

  it('of a terminal that does not know its size is that of 80 by 24', () => {
    expect(topLines(view(3, 0), { columns: 0, rows: 0, hasColors: false })).toEqual(
      topLines(view(3, 0), { columns: 80, rows: 24, hasColors: false })
    )
  })

  const ids = Array.from({ length: 40 }, (_, n) => `${id.slice(0, -2)}${String(n + 11)}` as PeerId)
  const crowd = (count: number, transport: TopRow['transport'] = 'wss') => ({
    ...view(count, 0),
    rows: ids.slice(0, count).map((peerId, n) => ({ ...row(n), peerId, transport, host: '::ffff:203.0.113.200' as Host }))
  })

  it('has every column at 80 columns, with the ends of peer ids', () => {
    const lines = topLines(crowd(3, 'webtransport' as TopRow['transport']), { columns: 80, rows: 24, hasColors: false })
    expect(lines[5]).toMatch(/^ {2}PEER +DIR +TRANSPORT +RTT +AGE +RECEIVES +SENDS +HOST$/)
    expect(lines[6]).toMatch(/^> …oaMtim11 +in +webtransport +5 ms +0 s +1\.5 kB\/s +0 B\/s +203\.0\.113\.200$/)
  })

  it('has whole peer ids where they fit', () => {
    expect(topLines(crowd(3), { columns: 140, rows: 40, hasColors: false })[6]).toMatch(`> ${ids[0]}  in `)
  })

  it('says how many connections there are, and which are shown', () => {
    expect(topLines(crowd(3), { columns: 80, rows: 24, hasColors: false })[4]).toBe('Connections: 3, by age')
    expect(topLines({ ...crowd(40), selected: 30 }, { columns: 80, rows: 24, hasColors: false })[4]).toBe(
      'Connections: 23 to 31 of 40, by age'
    )
  })

  it('has a long answer on several lines, and as many lines as the screen', () => {
    const message = `not connected: ${'a reason that goes on and on, '.repeat(4)}the next dial is in 2 min`
    const lines = topLines({ ...crowd(40), message }, { columns: 80, rows: 24, hasColors: false })
    expect(lines).toHaveLength(24)
    expect(lines.slice(-4, -1).join(' ')).toMatch(message)
    const small = topLines({ ...crowd(40), message }, { columns: 80, rows: 12, hasColors: false })
    expect(small).toHaveLength(12)
    expect(small.at(-2)).toMatch(/^not connected: .*…$/)
  })

  it('leaves out steps of attempts, and keeps what says something by itself', () => {
    const event = (type: string, detail: object) => ({ type, detail, at: 0 })
    const events = [
      event('connection-lost', { peerId: id, point: '/ip4/192.0.2.1/tcp/4001', ending: { by: 'them', reason: { kind: 'going-away' } } }),
      event('handshake-started', { attempt: 1, host: '192.0.2.1', peerId: id }),
      event('new-point', { point: '/ip4/192.0.2.1/tcp/4001', source: id })
    ]
    const lines = topLines({ ...view(1, 0), events }, { columns: 100, rows: 24, hasColors: false })
    expect(lines.filter((line) => /192\.0\.2\.1\/tcp|handshake/.test(line))).toEqual([
      expect.stringMatching(/^[\d:]+ connection-lost peerId=…oaMtimQ5 point=\/ip4\/192\.0\.2\.1\/tcp\/4001 by=them \(going away\)$/)
    ])
  })

  it('steers no terminal, whatever the network is called', () => {
    const hostile = { ...status(1), explanation: { text: 'a\u009b2J' } } as PeerStatus
    const lines = topLines({ ...view(1, 0), status: hostile, message: '\u202e\u007f' }, { columns: 80, rows: 24, hasColors: false })
    expect(lines).toContain('a\\u009b2J')
    expect(lines).toContain('\\u202e\\u007f')
  })

  it('has its keys and questions whole at 80 columns', () => {
    const message = `ban for an hour: 16Uiu2HAmUzzVJ9WLAcYBP4xzWVXc1ys1ZB6CvPi6XLmgHVEYqnuK? y/n`
    const lines = topLines({ ...view(1, 0), message }, { columns: 80, rows: 24, hasColors: false })
    expect(lines.at(-1)).toMatch(/q: quit$/)
    expect(lines.at(-2)).toBe(message)
  })

  it('has the band as a gauge, with marks at its minimum and at what is expected', () => {
    expect(gauge(status(0), 28)).toBe('0 [..|.......|.........] 100')
    expect(gauge(status(60), 28)).toBe('0 [##|#######|#........] 100')
    expect(gauge(status(100), 28)).toBe('0 [##|#######|#########] 100')
  })
})

describe('the line that a page needs', () => {
  it('is one for each WebSocket, with who can use it', () => {
    const addresses = [
      `/ip4/192.0.2.1/tcp/4001/p2p/${id}`,
      `/ip4/192.168.1.5/tcp/4002/ws/p2p/${id}`,
      `/dns4/relay.example.org/tcp/443/tls/ws/p2p/${id}`,
      `/ip4/192.0.2.1/tcp/4002/ws/p2p/${id}/p2p-circuit/p2p/${id}`
    ]
    expect(pageLines(addresses)).toEqual([
      { line: `trustedPoints: ['/ip4/192.168.1.5/tcp/4002/ws/p2p/${id}']`, who: 'in the local network, from pages that came over http' },
      { line: `trustedPoints: ['/dns4/relay.example.org/tcp/443/tls/ws/p2p/${id}']`, who: 'from everywhere' }
    ])
  })
})

describe('the settings of a node', () => {
  it('need a network', async () => {
    await expect(readNodeSettings({})).rejects.toThrow('--network: expected the name of the network')
  })

  it('have fixed ports by default, so that the line of a page stays true', async () => {
    expect((await readNodeSettings({ network: 'test' })).init.listen).toEqual([
      '/ip4/0.0.0.0/tcp/4001',
      '/ip4/0.0.0.0/tcp/4002/ws',
      '/ip6/::/tcp/4001',
      '/ip6/::/tcp/4002/ws'
    ])
    const flags = { network: 'test', nat: true, mdns: true, webrtc: true }
    expect((await readNodeSettings(flags)).init).toMatchObject({ nat: true, mdns: true, webRtc: true })
  })

  it('take a band', async () => {
    expect((await readNodeSettings({ network: 'test', band: '1,2,3' })).init).toMatchObject({
      minConnections: 1,
      expectedConnections: 2,
      maxConnections: 3
    })
    for (const band of ['1-3', '5,4,3', '1,5,3', '2,1,3'])
      await expect(readNodeSettings({ network: 'test', band })).rejects.toThrow(/^--band: expected MIN,EXPECTED,MAX.*, got "/)
  })

  it('name a file that cannot be read', async () => {
    await expect(readNodeSettings({ config: '/nowhere/x.json' })).rejects.toThrow('--config: cannot read /nowhere/x.json')
  })
})

describe('health', () => {
  const band = { min: 10, expected: 50, max: 100 }
  const snapshot = (active: number, status = 'running') =>
    ({ active, status, band, bounds: maintenanceBounds(band), network: 'test' }) as PoolSnapshot

  it.each([
    [0, 'below-minimum'],
    [9, 'below-minimum'],
    [10, 'filling'],
    [22, 'filling'],
    [23, 'in-band'],
    [100, 'in-band']
  ])('%i connections of 10 to 100, 50 expected: %s', (active, health) => {
    expect(healthOf(snapshot(active))).toBe(health)
  })

  it('a pool that is stopped is not running, whatever it had', () => {
    expect(healthOf(snapshot(50, 'stopped'))).toBe('not-running')
  })
})
