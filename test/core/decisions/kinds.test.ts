import { describe, expect, it } from 'vitest'
import { checkDial } from '../../../src/core/decisions/admission.ts'
import { checkHello } from '../../../src/core/decisions/admission-hello.ts'
import { chooseToPrune } from '../../../src/core/decisions/eviction.ts'
import { planAfterExploring, planExploring } from '../../../src/core/decisions/exploring.ts'
import { planMaintenance } from '../../../src/core/decisions/plan.ts'
import { pagePreset } from '../../../src/core/index.ts'
import { kindOf, transportOf } from '../../../src/core/values/address.ts'
import type { PeerKind } from '../../../src/core/values/bounds.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { type FakeConnection, StateBench } from '../../support/state-bench.ts'

const hidden = { minConnections: 1, expectedConnections: 2, maxConnections: 3, minByKind: pagePreset.minByKind }
const seen = { minConnections: 3, expectedConnections: 5, maxConnections: 10, minByKind: pagePreset.minByKind }

function pointOf(kind: PeerKind, n: number): Point {
  return (kind === 'server' ? `/ip4/192.0.2.${n}/tcp/1/ws` : `/ip4/198.51.100.1/tcp/1/ws/p2p/relay/p2p-circuit/webrtc/p2p/p${n}`) as Point
}
const idOf = (kind: PeerKind, n: number): PeerId => `${kind === 'page' ? 'p' : 's'}${n}` as PeerId

function trust(bench: StateBench, peerId: PeerId): void {
  const record = bench.state.peers.find(peerId)
  if (record === undefined) throw new Error(`no place for ${peerId}`)
  bench.state.peers.trust(record.peerId)
}

interface House {
  readonly options?: object
  readonly servers?: number
  readonly pages?: number
  /** Which kind is trusted. */
  readonly trusted?: PeerKind | undefined
}

/** Servers were dialed, pages came in. */
function house({ options = hidden, servers = 0, pages = 0, trusted }: House): StateBench {
  const bench = new StateBench({ swapCooldownMs: null, ...options })
  for (let n = 1; n <= servers; n++) bench.dialed(pointOf('server', n), idOf('server', n))
  for (let n = 1; n <= pages; n++) bench.cameIn(idOf('page', n), { transport: 'webrtc' })
  for (const { peerId } of [...bench.state.connections()]) if (peerId.startsWith(trusted?.at(0) ?? '-')) trust(bench, peerId)
  return bench
}

const kindsOf = (connections: readonly FakeConnection[] | readonly { transport: FakeConnection['transport'] }[]): PeerKind[] =>
  connections.map(({ transport }) => kindOf(transport))

describe('the kind of a peer', () => {
  const table: readonly (readonly [string, PeerKind])[] = [
    ['/ip4/192.0.2.1/tcp/1', 'server'],
    ['/ip4/192.0.2.1/tcp/1/ws', 'server'],
    ['/dns4/example.org/tcp/443/tls/ws', 'server'],
    ['/ip4/192.0.2.1/udp/1/quic-v1/webtransport', 'server'],
    ['/ip4/192.0.2.1/udp/1/webrtc-direct', 'server'],
    ['/ip4/192.0.2.1/tcp/1/ws/p2p/relay/p2p-circuit/webrtc/p2p/x', 'page'],
    ['/webrtc/p2p/x', 'page']
  ]
  for (const [point, kind] of table) it(`${point}: ${kind}`, () => expect(kindOf(transportOf(point as Point))).toBe(kind))
})

describe('a peer that comes to a full pool', () => {
  const cases: readonly (House & { name: string; comes: PeerKind; isTrusted?: boolean; evicts: PeerKind | 'nobody' | 'refused' })[] = [
    { name: 'a page takes the place of a server where no page is', servers: 3, comes: 'page', evicts: 'server' },
    { name: 'a server that of a page where no server is', pages: 3, comes: 'server', evicts: 'page' },
    { name: 'the second page is refused', servers: 2, pages: 1, comes: 'page', evicts: 'refused' },
    { name: 'the second server is refused', servers: 1, pages: 2, comes: 'server', evicts: 'refused' },
    {
      name: 'a trusted page takes the place of the other page before the last server',
      servers: 1,
      pages: 2,
      comes: 'page',
      isTrusted: true,
      evicts: 'page'
    },
    {
      name: 'a trusted server takes that of a server before the last page',
      servers: 2,
      pages: 1,
      comes: 'server',
      isTrusted: true,
      evicts: 'server'
    },
    { name: 'trusted servers go for nobody', servers: 3, trusted: 'server', comes: 'page', evicts: 'refused' },
    { name: 'a free place costs nobody', servers: 2, comes: 'page', evicts: 'nobody' },
    { name: 'the free place is kept for a page', servers: 2, comes: 'server', evicts: 'refused' },
    { name: 'and for a server', pages: 2, comes: 'page', evicts: 'refused' },
    {
      name: 'where kinds do not matter a page is refused',
      options: { ...hidden, minByKind: null },
      servers: 3,
      comes: 'page',
      evicts: 'refused'
    },
    {
      name: 'in a band of one the server stays',
      options: { ...hidden, expectedConnections: 1, maxConnections: 1 },
      servers: 1,
      comes: 'page',
      evicts: 'refused'
    },
    {
      name: 'nobody comes to a band of none',
      options: { ...hidden, minConnections: 0, expectedConnections: 0, maxConnections: 0 },
      comes: 'page',
      evicts: 'refused'
    },
    { name: 'a page comes in above the upper target of a page that is seen', options: seen, servers: 8, comes: 'page', evicts: 'nobody' },
    { name: 'another server does not', options: seen, servers: 8, comes: 'server', evicts: 'refused' }
  ]
  for (const { name, comes, isTrusted = false, evicts, ...rest } of cases) {
    it(name, () => {
      const bench = house(rest)
      const peerId = idOf(comes, 99)
      if (isTrusted) trust(bench, peerId)
      const attempt = bench.knocks(peerId, undefined, comes === 'page' ? 'webrtc' : 'ws')
      const bytes = new Uint8Array(0)
      const hello = {
        ...({
          kind: 'hello',
          network: 'test',
          protocolVersions: [1],
          applicationVersions: [0],
          isPrivate: false,
          discovery: true
        } as const),
        ...{ points: [], signedPeerRecord: bytes, instance: bytes, metadata: bytes, transports: [], invitation: '' }
      }
      const verdict = checkHello(bench.state, attempt, { peerId, hello, points: [], instance: 'run', now: bench.now })
      const found = verdict.kind !== 'admit' ? 'refused' : verdict.evicts === undefined ? 'nobody' : kindsOf([verdict.evicts])[0]
      expect(found).toBe(evicts)
    })
  }
})

describe('a dial of a full pool', () => {
  const cases: readonly (House & { name: string; to: PeerKind; allowed: boolean })[] = [
    { name: 'to a page where none is', servers: 3, to: 'page', allowed: true },
    { name: 'to a server where none is', pages: 3, to: 'server', allowed: true },
    { name: 'to a second page', servers: 2, pages: 1, to: 'page', allowed: false },
    { name: 'to a page where all servers are trusted', servers: 3, trusted: 'server', to: 'page', allowed: false }
  ]
  for (const { name, to, allowed, ...rest } of cases)
    it(`${name}: ${allowed ? 'yes' : 'no'}`, () =>
      expect(checkDial(house(rest).state, pointOf(to, 99), undefined) === undefined).toBe(allowed))
})

describe('who goes when there are too many', () => {
  const cases: readonly (House & { servers: number; pages: number; count: number; goes: Partial<Record<PeerKind, number>> })[] = [
    { options: seen, servers: 9, pages: 1, count: 9, goes: { server: 8 } },
    { options: seen, servers: 1, pages: 9, count: 9, goes: { page: 8 } },
    { options: seen, servers: 5, pages: 5, count: 9, goes: { server: 4, page: 4 } },
    { options: { ...seen, minByKind: { server: 2, page: 3 } }, servers: 5, pages: 5, count: 9, goes: { server: 3, page: 2 } },
    { options: seen, servers: 4, pages: 1, trusted: 'server', count: 3, goes: {} },
    { options: { ...seen, minByKind: null }, servers: 1, pages: 1, count: 2, goes: { server: 1, page: 1 } }
  ]
  for (const { count, goes, ...rest } of cases) {
    it(`${count} of ${rest.servers} servers and ${rest.pages} pages: ${JSON.stringify(goes)}`, () => {
      const kinds = kindsOf(chooseToPrune(house(rest).state, count))
      expect(kinds.filter((kind) => kind === 'server')).toHaveLength(goes.server ?? 0)
      expect(kinds.filter((kind) => kind === 'page')).toHaveLength(goes.page ?? 0)
    })
  }
})

describe('what maintenance does about a kind below its minimum', () => {
  const cases: readonly (House & {
    name: string
    known: readonly PeerKind[]
    awake?: boolean | undefined
    dials: readonly PeerKind[]
    asks: boolean
  })[] = [
    { name: 'in the band it dials a page', options: seen, servers: 6, known: ['page', 'page', 'server'], dials: ['page'], asks: false },
    { name: 'in a full band too', servers: 3, known: ['page'], dials: ['page'], asks: false },
    { name: 'or a server', options: seen, pages: 6, known: ['page', 'server', 'server'], dials: ['server'], asks: false },
    { name: 'knowing none it asks', options: seen, servers: 6, known: ['server'], dials: [], asks: true },
    { name: 'asleep it waits for pages, and asks nobody', servers: 2, known: ['page'], awake: false, dials: [], asks: false },
    { name: 'asleep it dials a server all the same', pages: 2, known: ['server'], awake: false, dials: ['server'], asks: false },
    { name: 'with one of each it does nothing', options: seen, servers: 5, pages: 1, known: ['page', 'server'], dials: [], asks: false },
    {
      name: 'where kinds do not matter neither',
      options: { ...seen, minByKind: null },
      servers: 6,
      known: ['page'],
      dials: [],
      asks: false
    }
  ]
  for (const { name, known, awake, dials, asks, ...rest } of cases) {
    it(name, () => {
      for (let seed = 1; seed <= 5; seed++) {
        const bench = house(rest)
        for (const [n, kind] of known.entries()) bench.state.points.register(pointOf(kind, 100 + n))
        const options = { now: bench.now, canDial: () => true, random: seededRandom(seed) }
        const plan = planMaintenance(bench.state, { ...options, filling: false, trimAt: 0, awake })
        expect(
          plan.dial.map((point) => kindOf(transportOf(point))),
          `seed ${seed}`
        ).toEqual(dials)
        expect(plan.ask, `seed ${seed}`).toBe(asks)
      }
    })
  }

  it('one dial at a time, and the next two seconds after one that failed', () => {
    const bench = house({ options: seen, servers: 6 })
    for (const n of [101, 102]) bench.state.points.register(pointOf('page', n))
    const plan = () =>
      planMaintenance(bench.state, { now: bench.now, canDial: () => true, random: seededRandom(1), filling: false, trimAt: 0 })
    const [first] = plan().dial
    const attempt = bench.begin(first as Point)
    expect(plan().dial).toEqual([])
    bench.pass(1_000)
    bench.state.end(attempt, { kind: 'failed', rejection: { kind: 'dial-failed', failure: 'unreachable', detail: '' }, by: 'them' })
    expect(plan()).toMatchObject({ dial: [], againAt: 3_000 })
    bench.pass(2_000)
    expect(plan().dial).toHaveLength(1)
  })

  it('half of the band are pages where they introduce each other: servers may vanish all at once', () => {
    const introducing = { ...seen, introductions: true }
    const bench = house({ options: introducing, servers: 5 })
    for (const n of [99, 98, 97]) bench.state.points.register(pointOf('page', n))
    const dial = () =>
      planMaintenance(bench.state, { now: bench.now, canDial: () => true, random: seededRandom(1), filling: false, trimAt: 0 }).dial
    for (let pages = 0; pages < 3; pages++) {
      const [next] = dial()
      expect(kindOf(transportOf(next as Point)), `${pages} pages`).toBe('page')
      bench.dialed(next as Point, idOf('page', pages + 1))
    }
    expect(dial()).toEqual([])
    expect(kindsOf(chooseToPrune(bench.state, 8))).not.toContain('page')
  })

  it('exploring leaves the last slot to the kind that is missing, and drops no peer of a minimum', () => {
    const options = { now: 0, canDial: () => true, random: seededRandom(1) }
    const full = house({ servers: 2 })
    full.state.points.register(pointOf('server', 99))
    expect(planExploring(full.state, options)).toBeUndefined()
    const bench = house({ options: seen, servers: 5, pages: 1 })
    const [met, page] = [bench.dialed(pointOf('server', 99), idOf('server', 99)), bench.state.connection(idOf('page', 1))]
    expect(planAfterExploring(bench.state, met, [page as FakeConnection]).map(({ transport }) => transport)).not.toContain('webrtc')
  })
})
