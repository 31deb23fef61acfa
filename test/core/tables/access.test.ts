import { describe, expect, it } from 'vitest'
import type { AccessList } from '../../../src/core/tables/access.ts'
import { joinBans } from '../../../src/core/tables/saved-fields.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId } from '../../../src/core/values/ids.ts'
import { accessList, type WholeAccessListOptions } from '../../support/access-list.ts'

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

function listWith(options: Partial<WholeAccessListOptions> = {}): AccessList {
  return accessList({
    peerGreylistSize: 10,
    ipGreylistSizeKiB: 64,
    ipGreylistCleanupDelayMs: day,
    key: Uint8Array.of(1),
    now: 0,
    ...options
  })
}

const isBannedHost = (access: AccessList, host: Host): boolean => access.hostBar(host, false) !== undefined
const isBannedPeer = (access: AccessList, peerId: PeerId): boolean => access.peerBar(peerId, false) !== undefined

describe('a ban by hand', () => {
  it('of a host or a peer stops them, trusted or not, and nobody else', () => {
    const access = listWith()
    access.bans.banHost(one, { date: today })
    access.bans.banPeer(bob, { date: today })
    expect([access.hostBar(one, false), access.hostBar(one, true)]).toEqual(['banned', 'banned'])
    expect([access.peerBar(bob, false), access.peerBar(bob, true)]).toEqual(['banned', 'banned'])
    expect([access.hostBar(two, false), access.peerBar(alice, false)]).toEqual([undefined, undefined])
    expect([access.bans.bannedHosts(), access.bans.bannedPeers()]).toEqual([[one], [bob]])
  })

  it('pronounced twice is lifted by one unban', () => {
    const access = listWith()
    for (let i = 0; i < 2; i++) {
      access.bans.banHost(name, { date: today, peers: [alice] })
      access.bans.banPeer(bob, { date: today })
    }
    expect(access.unbanHost(name)).toEqual({ hosts: [name], peers: [alice], ranges: [] })
    expect(access.unbanPeer(bob)).toBe(true)
    expect([isBannedHost(access, name), isBannedPeer(access, alice), isBannedPeer(access, bob)]).toEqual([false, false, false])
    expect(access.unbanHost(name)).toEqual({ hosts: [], peers: [], ranges: [] })
    expect(access.unbanPeer(bob)).toBe(false)
  })

  it('lifted from a host frees the peers that it had taken along, and leaves those banned otherwise', () => {
    const access = listWith()
    access.bans.banPeer(bob, { date: today })
    access.bans.banHost(one, { date: today, peers: [alice, bob, carol] })
    access.bans.banHost(two, { date: today, peers: [carol] })
    expect(access.unbanHost(one).peers).toEqual([alice])
    expect([alice, bob, carol].map((id) => isBannedPeer(access, id))).toEqual([false, true, true])
    expect(access.unbanHost(two).peers).toEqual([carol])
    expect(isBannedPeer(access, bob)).toBe(true)
  })

  it('of a peer pronounced after one along with its host outlives that of the host', () => {
    const access = listWith()
    access.bans.banHost(one, { date: today, peers: [alice] })
    access.bans.banPeer(alice, { date: today })
    expect(access.unbanHost(one).peers).toEqual([])
    expect(isBannedPeer(access, alice)).toBe(true)
  })

  it('lifted from a peer is lifted for good, though its host stays banned', () => {
    const access = listWith()
    access.bans.banHost(one, { date: today, peers: [alice] })
    access.unbanPeer(alice)
    expect([isBannedPeer(access, alice), isBannedHost(access, one)]).toEqual([false, true])
    expect(access.unbanHost(one).peers).toEqual([])
  })
})

describe('a ban of a range', () => {
  it('stops every address in it and no name, until it is lifted', () => {
    const access = listWith()
    expect(access.bans.banRange('192.0.2.77/24', { date: today, peers: [alice] })).toBe('192.0.2.0/24')
    expect([one, two, host('192.0.3.1'), name].map((each) => isBannedHost(access, each))).toEqual([true, true, false, false])
    expect(access.hostBar(one, true)).toBe('banned')
    expect(access.bans.bannedRanges()).toEqual(['192.0.2.0/24'])
    expect(access.bans.unbanRange('192.0.2.0/24')).toEqual({ hosts: [], peers: [alice], ranges: ['192.0.2.0/24'] })
    expect(isBannedHost(access, one)).toBe(false)
    expect(access.bans.unbanRange('192.0.2.0/24').ranges).toEqual([])
  })

  it('has no exceptions: to unban a host in it is refused, and names the range', () => {
    const access = listWith()
    access.bans.banHost(one, { date: today })
    access.bans.banRange('192.0.0.0/16', { date: today })
    expect(() => access.unbanHost(one)).toThrow('192.0.2.1 is in the banned range 192.0.0.0/16')
    access.bans.unbanRange('192.0.0.0/16')
    expect(access.unbanHost(one).hosts).toEqual([one])
  })

  it('leaves hosts banned by themselves banned when it is lifted', () => {
    const access = listWith()
    access.bans.banHost(one, { date: today })
    access.bans.banRange('192.0.2.0/24', { date: today })
    access.bans.unbanRange('192.0.2.0/24')
    expect([one, two].map((each) => isBannedHost(access, each))).toEqual([true, false])
  })

  it('that is none is refused by name', () => {
    expect(() => listWith().bans.banRange('192.0.2.0/33', { date: today })).toThrow(
      'such as 192.0.2.0/24 or 2001:db8::/32, got "192.0.2.0/33"'
    )
    expect(() => listWith().bans.unbanRange('all')).toThrow('got "all"')
  })
})

describe('the end of a ban', () => {
  it('comes at its date and not before, and the peers taken along are free with it', () => {
    const access = listWith()
    access.bans.banHost(one, { date: today, endsAt: today + 100, peers: [alice] })
    access.bans.banRange('2001:db8::/32', { date: today, endsAt: today + 100 })
    access.bans.banPeer(bob, { date: today, endsAt: today + 200 })
    access.bans.banPeer(carol, { date: today })
    expect(access.advance({ now: 0, date: today + 99 })).toEqual({ hosts: [], peers: [], ranges: [] })
    expect(isBannedHost(access, one)).toBe(true)
    expect(access.advance({ now: 0, date: today + 100 })).toEqual({ hosts: [one], peers: [alice], ranges: ['2001:db8::/32'] })
    expect([isBannedHost(access, one), isBannedHost(access, host('2001:db8::1')), isBannedPeer(access, bob)]).toEqual([false, false, true])
    expect(access.advance({ now: 0, date: today + 200 }).peers).toEqual([bob])
    expect(access.advance({ now: 0, date: today + 1e12 }).peers).toEqual([])
    expect(access.bans.bannedPeers()).toEqual([carol])
  })

  it('is the one of the last word', () => {
    const access = listWith()
    access.bans.banPeer(bob, { date: today, endsAt: today + 100 })
    access.bans.banPeer(bob, { date: today })
    access.bans.banPeer(alice, { date: today })
    access.bans.banPeer(alice, { date: today, endsAt: today + 100 })
    access.advance({ now: 0, date: today + 100 })
    expect([isBannedPeer(access, bob), isBannedPeer(access, alice)]).toEqual([true, false])
  })

  it('in the past, or no date at all, is refused and bans nobody', () => {
    const access = listWith()
    for (const endsAt of [today, today - 1, Number.NaN]) {
      expect(() => access.bans.banPeer(bob, { date: today, endsAt })).toThrow(`got ${endsAt}`)
      expect(() => access.bans.banHost(one, { date: today, endsAt, peers: [bob] })).toThrow(`got ${endsAt}`)
    }
    expect([access.bans.bannedPeers(), access.bans.bannedHosts()]).toEqual([[], []])
  })
})

describe('the lists of bans', () => {
  it('refuse the ten-thousand-and-first entry and stay as they were', () => {
    const access = listWith()
    for (let i = 0; i < 10_000; i++) {
      access.bans.banPeer(`peer-${i}` as PeerId, { date: today })
      access.bans.banHost(`host-${i}.example.org` as Host, { date: today })
    }
    expect(() => access.bans.banPeer(alice, { date: today })).toThrow('expected at most 10000, got 10001')
    expect(() => access.bans.banHost(one, { date: today })).toThrow('expected at most 10000, got 10001')
    expect(() => access.bans.banHost('host-1.example.org' as Host, { date: today, peers: [alice] })).toThrow('peers')
    expect([isBannedPeer(access, alice), isBannedHost(access, one)]).toEqual([false, false])
    access.bans.banPeer('peer-7' as PeerId, { date: today, endsAt: today + 1 })
    expect(access.bans.bannedPeers()).toHaveLength(10_000)
  })

  it('come back from their export, through JSON, as they were', () => {
    const access = listWith()
    access.bans.banPeer(bob, { date: today, endsAt: today + 100 })
    access.bans.banHost(one, { date: today, peers: [alice] })
    access.bans.banHost(name, { date: today })
    access.bans.banRange('2001:db8::/32', { date: today, peers: [carol] })
    access.greylistHost(two, today)
    const saved = JSON.parse(JSON.stringify(access.bans.export()))
    const later = listWith()
    expect(joinBans(later.bans, saved, today + 50)).toBe(0)
    expect(later.bans.export()).toEqual(access.bans.export())
    expect(isBannedHost(later, host('2001:db8::2'))).toBe(true)
    expect(isBannedHost(later, two)).toBe(false)
    expect(later.unbanHost(one).peers).toEqual([alice])
    const tooLate = listWith()
    expect(joinBans(tooLate.bans, saved, today + 100)).toBe(0)
    expect(isBannedPeer(tooLate, bob)).toBe(false)
  })

  it('drop saved entries that make no sense, and count them', () => {
    const access = listWith()
    const times = { since: today, endsAt: undefined }
    const dropped = joinBans(
      access.bans,
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
    expect(access.bans.export()).toEqual({ peers: [{ peerId: bob, ...times }], hosts: [], ranges: [] })
  })
})

describe('the greylists', () => {
  it('stop whom they hold, but never a trusted one', () => {
    const access = listWith()
    access.greylistHost(one, today)
    access.greylistPeer(bob, today)
    expect([access.hostBar(one, false), access.hostBar(one, true), access.peerBar(bob, false), access.peerBar(bob, true)]).toEqual([
      'greylisted',
      undefined,
      'greylisted',
      undefined
    ])
    expect(access.greylistedPeers()).toEqual([{ peerId: bob, since: today }])
    expect(access.greylistedHosts()).toEqual([{ host: one, since: today }])
  })

  it('are named only where no ban is', () => {
    const access = listWith()
    access.greylistPeer(bob, today)
    access.bans.banHost(one, { date: today })
    expect(access.hostBar(one, false)).toBe('banned')
  })

  it('judge a relayed or WebRTC peer, who has no host, by its id alone', () => {
    const access = listWith()
    access.greylistHost(one, today)
    expect(access.peerBar(alice, false)).toBeUndefined()
  })

  it('forget a host after 14/16 to 15/16 of the delay', () => {
    for (const addedAt of [0, 0.5, 0.999]) {
      const access = listWith({ now: 0 })
      const step = day / 16
      access.advance({ now: addedAt * step, date: today })
      access.greylistHost(one, today)
      access.greylistPeer(bob, today)
      access.advance({ now: (14 + addedAt) * step, date: today })
      expect([isBannedHost(access, one), isBannedPeer(access, bob)], `added at step ${addedAt}`).toEqual([true, true])
      access.advance({ now: (15 + addedAt) * step, date: today })
      expect([isBannedHost(access, one), isBannedPeer(access, bob)], `added at step ${addedAt}`).toEqual([false, false])
    }
  })

  it('forget all in one call after a sleep of any length', () => {
    const access = listWith({ ipGreylistCleanupDelayMs: 100 / 16, now: 5_000 })
    for (const address of ['ffff::3', 'ffff:00::ff', 'a::2']) access.greylistHost(host(address), today)
    expect(isBannedHost(access, host('a::2'))).toBe(true)
    access.advance({ now: 6_000, date: today })
    expect(access.greylistedHosts()).toEqual([])
    expect(access.greylistFigures()?.fill).toBe(0)
  })

  it('take no notice of the date', () => {
    const access = listWith()
    access.greylistHost(one, today)
    access.advance({ now: 0, date: today + 365 * day })
    access.advance({ now: 0, date: 0 })
    expect(isBannedHost(access, one)).toBe(true)
  })

  it('are left by one unban, other entries untouched', () => {
    const access = listWith()
    for (const each of [one, two]) access.greylistHost(each, today)
    access.greylistPeer(bob, today)
    access.bans.banHost(one, { date: today })
    expect(access.unbanHost(one).hosts).toEqual([one])
    expect([isBannedHost(access, one), isBannedHost(access, two)]).toEqual([false, true])
    expect(access.unbanHost(two).hosts).toEqual([two])
    expect(access.unbanPeer(bob)).toBe(true)
    expect(isBannedPeer(access, bob)).toBe(false)
  })

  it('are left by whom becomes trusted, while bans stay', () => {
    const access = listWith()
    access.greylistHost(one, today)
    access.greylistPeer(bob, today)
    access.bans.banPeer(alice, { date: today })
    expect([access.ungreylistHost(one), access.ungreylistPeer(bob), access.ungreylistPeer(alice)]).toEqual([true, true, false])
    expect([isBannedHost(access, one), isBannedPeer(access, bob), isBannedPeer(access, alice)]).toEqual([false, false, true])
  })

  it('are emptied of hosts by clearGreylist, of everything with the bans by clear', () => {
    const access = listWith({ ipGreylistSizeKiB: 1 })
    access.bans.banPeer(alice, { date: today, endsAt: today + 1 })
    access.bans.banHost(name, { date: today })
    access.bans.banRange('2001:db8::/32', { date: today })
    access.greylistPeer(bob, today)
    for (const each of [one, two]) access.greylistHost(each, today)
    expect(access.greylistUnreliableSince).toBe(today)
    access.clearGreylist()
    expect([isBannedHost(access, one), access.greylistUnreliableSince, isBannedPeer(access, bob)]).toEqual([false, undefined, true])
    access.clear()
    expect([isBannedPeer(access, bob), isBannedPeer(access, alice), isBannedHost(access, name)]).toEqual([false, false, false])
    expect(access.bans.export()).toEqual({ peers: [], hosts: [], ranges: [] })
  })

  it('lose one step with each gcGreylist, so that sixteen of them empty them', () => {
    const access = listWith()
    access.greylistHost(one, today)
    access.greylistPeer(bob, today)
    for (let i = 0; i < 14; i++) access.gcGreylist()
    expect([isBannedHost(access, one), isBannedPeer(access, bob)]).toEqual([true, true])
    access.gcGreylist()
    expect([isBannedHost(access, one), isBannedPeer(access, bob)]).toEqual([false, false])
  })

  it('refuse a clean-up delay that is none', () => {
    for (const ipGreylistCleanupDelayMs of [0, -1, Number.NaN]) {
      expect(() => listWith({ ipGreylistCleanupDelayMs })).toThrow(`got ${ipGreylistCleanupDelayMs}`)
    }
  })
})
