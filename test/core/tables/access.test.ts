import { describe, expect, it } from 'vitest'
import type { Lifted } from '../../../src/core/tables/bans.ts'
import { joinBans } from '../../../src/core/tables/saved-fields.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId } from '../../../src/core/values/ids.ts'
import type { PoolOptions } from '../../../src/core/values/settings.ts'
import { StateBench } from '../../support/state-bench.ts'

const day = 86_400_000
const [alice, bob, carol] = ['alice', 'bob', 'carol'] as PeerId[] as [PeerId, PeerId, PeerId]
const [one, two] = [host('192.0.2.1'), host('192.0.2.2')]
const name = 'example.org' as Host
/** A date long after the monotonic clock's zero, so that mixing the two up shows. */
const today = 1_800_000_000_000

function host(address: string): Host {
  const found = hostOfIp(address)
  if (found === undefined) throw new Error(`no address: ${address}`)
  return found
}

function listWith(options: Partial<PoolOptions<Uint8Array, number>> = {}): StateBench {
  const bench = new StateBench({ peerGreylistSize: 10, ipGreylistSizeKiB: 64, ipGreylistCleanupDelayMs: day, ...options })
  bench.date = today
  return bench
}

const isBannedHost = ({ state }: StateBench, host: Host): boolean => state.access.hostBlock(host, false) !== undefined
const isBannedPeer = ({ state }: StateBench, peerId: PeerId): boolean => state.access.peerBlock(peerId) !== undefined

const bannedPeers = ({ parts }: StateBench): PeerId[] => parts.bans.export().peers.map(({ peerId }) => peerId)

/** Time passes: what bans end with it. */
function advance(bench: StateBench, { now, date }: { now: number; date: number }): Lifted {
  bench.now = now
  bench.date = date
  return bench.parts.bans.expire()
}

function greylist({ state }: StateBench, ...hosts: readonly Host[]): void {
  for (const host of hosts) state.access.greylist({ host, cause: 'asked to', byOperator: true })
}

describe('a ban by hand', () => {
  it('of a host or a peer stops them, trusted or not, and nobody else', () => {
    const bench = listWith()
    bench.parts.bans.banHost(one, {})
    bench.parts.bans.banPeer(bob, {})
    expect([bench.state.access.hostBlock(one, false), bench.state.access.hostBlock(one, true)]).toEqual(['banned', 'banned'])
    expect(bench.state.access.peerBlock(bob)).toBe('banned')
    bench.state.peers.trust(bob)
    expect(bench.state.access.peerBlock(bob)).toBe('banned')
    expect([bench.state.access.hostBlock(two, false), bench.state.access.peerBlock(alice)]).toEqual([undefined, undefined])
    expect([bench.parts.bans.export().hosts.map(({ host }) => host), bannedPeers(bench)]).toEqual([[one], [bob]])
  })

  it('pronounced twice is lifted by one unban', () => {
    const bench = listWith()
    for (let i = 0; i < 2; i++) {
      bench.parts.bans.banHost(name, { peers: [alice] })
      bench.parts.bans.banPeer(bob, {})
    }
    expect(bench.parts.bans.unbanHost(name)).toEqual({ hosts: [name], peers: [alice], ranges: [] })
    expect(bench.parts.bans.unbanPeer(bob)).toBe(true)
    expect([isBannedHost(bench, name), isBannedPeer(bench, alice), isBannedPeer(bench, bob)]).toEqual([false, false, false])
    expect(bench.parts.bans.unbanHost(name)).toEqual({ hosts: [], peers: [], ranges: [] })
    expect(bench.parts.bans.unbanPeer(bob)).toBe(false)
  })

  it('lifted from a host frees the peers that it had taken along, and leaves those banned otherwise', () => {
    const bench = listWith()
    bench.parts.bans.banPeer(bob, {})
    bench.parts.bans.banHost(one, { peers: [alice, bob, carol] })
    bench.parts.bans.banHost(two, { peers: [carol] })
    expect(bench.parts.bans.unbanHost(one).peers).toEqual([alice])
    expect([alice, bob, carol].map((id) => isBannedPeer(bench, id))).toEqual([false, true, true])
    expect(bench.parts.bans.unbanHost(two).peers).toEqual([carol])
    expect(isBannedPeer(bench, bob)).toBe(true)
  })

  it('of a peer pronounced after one along with its host outlives that of the host', () => {
    const bench = listWith()
    bench.parts.bans.banHost(one, { peers: [alice] })
    bench.parts.bans.banPeer(alice, {})
    expect(bench.parts.bans.unbanHost(one).peers).toEqual([])
    expect(isBannedPeer(bench, alice)).toBe(true)
  })

  it('lifted from a peer is lifted for good, though its host stays banned', () => {
    const bench = listWith()
    bench.parts.bans.banHost(one, { peers: [alice] })
    bench.parts.bans.unbanPeer(alice)
    expect([isBannedPeer(bench, alice), isBannedHost(bench, one)]).toEqual([false, true])
    expect(bench.parts.bans.unbanHost(one).peers).toEqual([])
  })
})

describe('a ban of a range', () => {
  it('stops every address in it and no name, until it is lifted', () => {
    const bench = listWith()
    expect(bench.parts.bans.banRange('192.0.2.77/24', { peers: [alice] })).toBe('192.0.2.0/24')
    expect([one, two, host('192.0.3.1'), name].map((each) => isBannedHost(bench, each))).toEqual([true, true, false, false])
    expect(bench.state.access.hostBlock(one, true)).toBe('banned')
    expect(bench.parts.bans.export().ranges.map(({ range }) => range)).toEqual(['192.0.2.0/24'])
    expect(bench.parts.bans.unbanRange('192.0.2.0/24')).toEqual({ hosts: [], peers: [alice], ranges: ['192.0.2.0/24'] })
    expect(isBannedHost(bench, one)).toBe(false)
    expect(bench.parts.bans.unbanRange('192.0.2.0/24').ranges).toEqual([])
  })

  it('has no exceptions: to unban a host in it is refused, and names the range', () => {
    const bench = listWith()
    bench.parts.bans.banHost(one, {})
    bench.parts.bans.banRange('192.0.0.0/16', {})
    expect(() => bench.parts.bans.unbanHost(one)).toThrow('192.0.2.1 is in the banned range 192.0.0.0/16')
    bench.parts.bans.unbanRange('192.0.0.0/16')
    expect(bench.parts.bans.unbanHost(one).hosts).toEqual([one])
  })

  it('leaves hosts banned by themselves banned when it is lifted', () => {
    const bench = listWith()
    bench.parts.bans.banHost(one, {})
    bench.parts.bans.banRange('192.0.2.0/24', {})
    bench.parts.bans.unbanRange('192.0.2.0/24')
    expect([one, two].map((each) => isBannedHost(bench, each))).toEqual([true, false])
  })

  it('that is none is refused by name', () => {
    expect(() => listWith().parts.bans.banRange('192.0.2.0/33', {})).toThrow('such as 192.0.2.0/24 or 2001:db8::/32, got "192.0.2.0/33"')
    expect(() => listWith().parts.bans.unbanRange('all')).toThrow('got "all"')
  })
})

describe('the end of a ban', () => {
  it('frees at once whom it held, before anybody removes it', () => {
    const bench = listWith()
    bench.state.access.banHost(one, { banPeers: false, endsAt: today + 100 })
    bench.state.access.banRange('2001:db8::/32', { banPeers: false, endsAt: today + 100 })
    bench.state.access.banPeer(bob, { endsAt: today + 100 })
    const told = bench.told.length
    for (const [ms, isHeld] of [
      [99, true],
      [1, false]
    ] as const) {
      bench.pass(ms)
      expect([isBannedHost(bench, one), isBannedHost(bench, host('2001:db8::1')), isBannedPeer(bench, bob)]).toEqual([
        isHeld,
        isHeld,
        isHeld
      ])
      expect(bannedPeers(bench)).toEqual(isHeld ? [bob] : [])
    }
    expect(bench.told).toHaveLength(told)
    bench.state.access.expireBans()
    expect(bench.names().slice(told)).toEqual(['host-unbanned', 'peer-unbanned', 'range-unbanned'])
  })

  it('comes at its date and not before, and the peers taken along are free with it', () => {
    const bench = listWith()
    bench.parts.bans.banHost(one, { endsAt: today + 100, peers: [alice] })
    bench.parts.bans.banRange('2001:db8::/32', { endsAt: today + 100 })
    bench.parts.bans.banPeer(bob, { endsAt: today + 200 })
    bench.parts.bans.banPeer(carol, {})
    expect(advance(bench, { now: 0, date: today + 99 })).toEqual({ hosts: [], peers: [], ranges: [] })
    expect(isBannedHost(bench, one)).toBe(true)
    expect(advance(bench, { now: 0, date: today + 100 })).toEqual({ hosts: [one], peers: [alice], ranges: ['2001:db8::/32'] })
    expect([isBannedHost(bench, one), isBannedHost(bench, host('2001:db8::1')), isBannedPeer(bench, bob)]).toEqual([false, false, true])
    expect(advance(bench, { now: 0, date: today + 200 }).peers).toEqual([bob])
    expect(advance(bench, { now: 0, date: today + 1e12 }).peers).toEqual([])
    expect(bannedPeers(bench)).toEqual([carol])
  })

  it('is the one of the last word', () => {
    const bench = listWith()
    bench.parts.bans.banPeer(bob, { endsAt: today + 100 })
    bench.parts.bans.banPeer(bob, {})
    bench.parts.bans.banPeer(alice, {})
    bench.parts.bans.banPeer(alice, { endsAt: today + 100 })
    advance(bench, { now: 0, date: today + 100 })
    expect([isBannedPeer(bench, bob), isBannedPeer(bench, alice)]).toEqual([true, false])
  })

  it('in the past, or no date at all, is refused and bans nobody', () => {
    const bench = listWith()
    for (const endsAt of [today, today - 1, Number.NaN]) {
      expect(() => bench.parts.bans.banPeer(bob, { endsAt })).toThrow(`got ${endsAt}`)
      expect(() => bench.parts.bans.banHost(one, { endsAt, peers: [bob] })).toThrow(`got ${endsAt}`)
    }
    expect([bannedPeers(bench), bench.parts.bans.export().hosts.map(({ host }) => host)]).toEqual([[], []])
  })
})

describe('the lists of bans', () => {
  it('refuse the ten-thousand-and-first entry and stay as they were', () => {
    const bench = listWith()
    for (let i = 0; i < 10_000; i++) {
      bench.parts.bans.banPeer(`peer-${i}` as PeerId, {})
      bench.parts.bans.banHost(`host-${i}.example.org` as Host, {})
    }
    expect(() => bench.parts.bans.banPeer(alice, {})).toThrow('expected at most 10000, got 10001')
    expect(() => bench.parts.bans.banHost(one, {})).toThrow('expected at most 10000, got 10001')
    expect(() => bench.parts.bans.banHost('host-1.example.org' as Host, { peers: [alice] })).toThrow('peers')
    expect([isBannedPeer(bench, alice), isBannedHost(bench, one)]).toEqual([false, false])
    bench.parts.bans.banPeer('peer-7' as PeerId, { endsAt: today + 1 })
    expect(bannedPeers(bench)).toHaveLength(10_000)
  })

  it('come back from their export, through JSON, as they were', () => {
    const bench = listWith()
    bench.parts.bans.banPeer(bob, { endsAt: today + 100 })
    bench.parts.bans.banHost(one, { peers: [alice] })
    bench.parts.bans.banHost(name, {})
    bench.parts.bans.banRange('2001:db8::/32', { peers: [carol] })
    greylist(bench, two)
    const saved = JSON.parse(JSON.stringify(bench.parts.bans.export()))
    const later = listWith()
    expect(joinBans(later.parts.bans, saved, today + 50)).toBe(0)
    expect(later.parts.bans.export()).toEqual(bench.parts.bans.export())
    expect(isBannedHost(later, host('2001:db8::2'))).toBe(true)
    expect(isBannedHost(later, two)).toBe(false)
    expect(later.parts.bans.unbanHost(one).peers).toEqual([alice])
    const tooLate = listWith()
    expect(joinBans(tooLate.parts.bans, saved, today + 100)).toBe(0)
    expect(isBannedPeer(tooLate, bob)).toBe(false)
  })

  it('drop saved entries that make no sense, and count them', () => {
    const bench = listWith()
    const times = { since: today, endsAt: undefined }
    const dropped = joinBans(
      bench.parts.bans,
      {
        peers: [{ peerId: bob, ...times }],
        hosts: [
          { host: '2001:DB8::1' as Host, peers: [alice], ...times },
          { host: one, peers: [], since: today, endsAt: Number.NaN }
        ],
        ranges: [{ range: 'everything', peers: [], ...times }]
      },
      today
    )
    expect(dropped).toBe(3)
    expect(bench.parts.bans.export()).toEqual({ peers: [{ peerId: bob, ...times }], hosts: [], ranges: [] })
  })
})

describe('the greylists', () => {
  it('stop the peers in them, but never a trusted one', () => {
    const bench = listWith()
    greylist(bench, one)
    bench.state.access.greylist({ peerId: bob, cause: 'asked to' })
    expect([bench.state.access.hostBlock(one, false), bench.state.access.hostBlock(one, true)]).toEqual(['greylisted', undefined])
    expect(bench.state.access.peerBlock(bob)).toBe('greylisted')
    expect(bench.state.access.greylistedPeers()).toEqual([{ peerId: bob, since: today }])
    expect(bench.state.access.greylistedHosts()).toEqual([{ host: one, since: today }])
  })

  it('are named only where no ban is', () => {
    const bench = listWith()
    bench.state.access.greylist({ peerId: bob, cause: 'asked to' })
    bench.parts.bans.banHost(one, {})
    expect(bench.state.access.hostBlock(one, false)).toBe('banned')
  })

  it('judge a relayed or WebRTC peer, who has no host, by its id alone', () => {
    const bench = listWith()
    greylist(bench, one)
    expect(bench.state.access.peerBlock(alice)).toBeUndefined()
  })

  it('forget a host and a peer after 15/16 of the delay', () => {
    for (const addedAt of [0, 0.5, 0.999]) {
      const bench = listWith()
      const step = day / 16
      advance(bench, { now: addedAt * step, date: today })
      greylist(bench, one)
      bench.state.access.greylist({ peerId: bob, cause: 'asked to' })
      advance(bench, { now: (14 + addedAt) * step, date: today })
      expect([isBannedHost(bench, one), isBannedPeer(bench, bob)], `added at step ${addedAt}`).toEqual([true, true])
      advance(bench, { now: (15 + addedAt) * step, date: today })
      expect([isBannedHost(bench, one), isBannedPeer(bench, bob)], `added at step ${addedAt}`).toEqual([false, false])
    }
  })

  it('forget all in one call after a sleep of any length', () => {
    const bench = listWith({ ipGreylistCleanupDelayMs: 100 })
    for (const address of ['ffff::3', 'ffff:00::ff', 'a::2']) greylist(bench, host(address))
    expect(isBannedHost(bench, host('a::2'))).toBe(true)
    advance(bench, { now: 6_000, date: today })
    expect(bench.state.access.greylistedHosts()).toEqual([])
  })

  it('take no notice of the date', () => {
    const bench = listWith()
    greylist(bench, one)
    advance(bench, { now: 0, date: today + 365 * day })
    advance(bench, { now: 0, date: 0 })
    expect(isBannedHost(bench, one)).toBe(true)
  })

  it('are left by one unban, other entries untouched', () => {
    const bench = listWith()
    for (const each of [one, two]) greylist(bench, each)
    bench.state.access.greylist({ peerId: bob, cause: 'asked to' })
    bench.parts.bans.banHost(one, {})
    bench.state.access.unbanHost(one)
    expect([isBannedHost(bench, one), isBannedHost(bench, two)]).toEqual([false, true])
    bench.state.access.unbanHost(two)
    bench.state.access.unbanPeer(bob)
    expect([isBannedHost(bench, two), isBannedPeer(bench, bob)]).toEqual([false, false])
    expect(bench.names().slice(-3)).toEqual(['host-unbanned', 'host-unbanned', 'peer-unbanned'])
  })

  it('lose a peer or host that becomes trusted, while bans stay', () => {
    const bench = listWith()
    greylist(bench, one)
    bench.state.access.greylist({ peerId: bob, cause: 'asked to' })
    bench.parts.bans.banPeer(alice, {})
    expect([
      bench.state.access.ungreylistHost(one),
      bench.state.access.ungreylistPeer(bob),
      bench.state.access.ungreylistPeer(alice)
    ]).toEqual([true, true, false])
    expect([isBannedHost(bench, one), isBannedPeer(bench, bob), isBannedPeer(bench, alice)]).toEqual([false, false, true])
  })

  it('are emptied by clearGreylist, and with the bans by clear', () => {
    const bench = listWith({ ipGreylistSizeKiB: 1 })
    bench.parts.bans.banPeer(alice, { endsAt: today + 1 })
    bench.parts.bans.banHost(name, {})
    bench.parts.bans.banRange('2001:db8::/32', {})
    bench.state.access.greylist({ peerId: bob, cause: 'asked to' })
    const more = Array.from({ length: 7 }, (_, i) => host(`198.51.100.${i}`))
    for (const each of [two, ...more, one]) greylist(bench, each)
    expect(bench.state.access.greylistUnreliableSince).toBe(today)
    bench.state.access.clearGreylist()
    expect([isBannedHost(bench, one), bench.state.access.greylistUnreliableSince, isBannedPeer(bench, bob)]).toEqual([
      false,
      undefined,
      false
    ])
    expect([isBannedPeer(bench, alice), isBannedHost(bench, name)]).toEqual([true, true])
    bench.state.access.clear()
    expect([isBannedPeer(bench, alice), isBannedHost(bench, name)]).toEqual([false, false])
    expect(bench.parts.bans.export()).toEqual({ peers: [], hosts: [], ranges: [] })
  })

  it('lose one step with each gcGreylist, so that fifteen of them empty them', () => {
    const bench = listWith()
    greylist(bench, one)
    bench.state.access.greylist({ peerId: bob, cause: 'asked to' })
    for (let i = 0; i < 14; i++) bench.state.access.fadeGreylist()
    expect([isBannedHost(bench, one), isBannedPeer(bench, bob)]).toEqual([true, true])
    bench.state.access.fadeGreylist()
    expect([isBannedHost(bench, one), isBannedPeer(bench, bob)]).toEqual([false, false])
  })

  it('refuse a clean-up delay that is none', () => {
    for (const ipGreylistCleanupDelayMs of [0, -1, Number.NaN]) {
      expect(() => listWith({ ipGreylistCleanupDelayMs })).toThrow(`got ${ipGreylistCleanupDelayMs}`)
    }
  })
})
