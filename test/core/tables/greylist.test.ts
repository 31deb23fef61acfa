import { describe, expect, it } from 'vitest'
import { Greylist } from '../../../src/core/tables/greylist.ts'
import { hostOfIp, hostOfName, shareGroupOf } from '../../../src/core/values/address.ts'
import type { Host } from '../../../src/core/values/ids.ts'

/** A listing lasts 15 ms. */
const cleanupDelayMs = 16
const lastsMs = 15

class Bench {
  /** Monotonic, ms. */
  now = 0
  /** Wall clock, ms. */
  date = 0
  readonly list: Greylist<Host>

  constructor(max = 1_024) {
    this.list = new Greylist({ clock: { now: () => this.now, date: () => this.date }, max, cleanupDelayMs, nameOf: shareGroupOf })
  }

  /** At these dates. */
  add(host: Host, date = this.date): void {
    this.date = date
    this.list.add(host)
  }

  has(...hosts: readonly Host[]): boolean[] {
    return hosts.map((one) => this.list.has(one))
  }
}

function host(address: string): Host {
  const found = hostOfIp(address) ?? hostOfName(address)
  if (found === undefined) throw new Error(`no host: ${address}`)
  return found
}

function ipv4(number: number): Host {
  return host(`192.0.2.${number}`)
}

const three = ['ffff::3', 'ffff:00::ff', 'a::2'].map(host)

describe('a greylist', () => {
  it('holds nobody when empty, those that were added, and nobody after it was cleared', () => {
    const bench = new Bench()
    expect(bench.has(...three)).toEqual([false, false, false])
    for (const one of three) bench.add(one)
    expect(bench.has(...three)).toEqual([true, true, true])
    bench.list.clear()
    expect(bench.has(...three)).toEqual([false, false, false])
    expect(bench.list.list()).toEqual([])
  })

  it('forgets a host after fifteen sixteenths of the delay, from the listing too', () => {
    const bench = new Bench()
    bench.add(ipv4(1), 5)
    bench.now = lastsMs - 1
    expect(bench.has(ipv4(1))).toEqual([true])
    expect(bench.list.list()).toMatchObject([{ item: ipv4(1), since: 5 }])
    bench.now = lastsMs
    expect(bench.has(ipv4(1))).toEqual([false])
    expect(bench.list.list()).toEqual([])
    expect(bench.list.remove(ipv4(1))).toBe(false)
  })

  it('counts anew for a host that gives cause again', () => {
    const bench = new Bench()
    bench.add(ipv4(1), 1)
    bench.now = lastsMs - 1
    bench.add(ipv4(1), 2)
    bench.now += lastsMs - 1
    expect(bench.list.list()).toMatchObject([{ item: ipv4(1), since: 2 }])
    bench.now++
    expect(bench.has(ipv4(1))).toEqual([false])
  })

  it('ends a sixteenth of the delay sooner with each shortening', () => {
    const bench = new Bench()
    bench.add(ipv4(1))
    for (let i = 0; i < 14; i++) bench.list.shorten()
    expect(bench.has(ipv4(1))).toEqual([true])
    bench.list.shorten()
    expect(bench.has(ipv4(1))).toEqual([false])
  })

  it('loses one host that is taken off, and says whether it was there', () => {
    const bench = new Bench()
    for (const one of [1, 2, 3]) bench.add(ipv4(one))
    expect([bench.list.remove(ipv4(2)), bench.list.remove(ipv4(2))]).toEqual([true, false])
    expect(bench.has(ipv4(1), ipv4(2), ipv4(3))).toEqual([true, false, true])
  })

  it('drops the oldest when full; listing again makes the newest, asking does not', () => {
    const bench = new Bench(3)
    for (const one of [1, 2, 3, 1, 4]) bench.add(ipv4(one))
    expect(bench.has(ipv4(4), ipv4(1), ipv4(3), ipv4(2))).toEqual([true, true, true, false])
    bench.add(ipv4(3))
    bench.add(ipv4(5))
    expect(bench.has(ipv4(1), ipv4(4), ipv4(3), ipv4(5))).toEqual([false, true, true, true])
  })

  it('may be of size zero, and then holds nobody ever', () => {
    const bench = new Bench(0)
    bench.add(ipv4(1))
    expect(bench.has(ipv4(1))).toEqual([false])
  })

  it('is unreliable from the first host that had to make room until that one would have ended', () => {
    const bench = new Bench(4)
    for (let i = 0; i < 4; i++) bench.add(ipv4(i), 10 + i)
    bench.add(ipv4(0), 15)
    expect(bench.list.unreliableSince, 'listed again').toBeUndefined()
    bench.now = 1
    bench.add(ipv4(4), 20)
    bench.add(ipv4(5), 21)
    expect(bench.list.unreliableSince).toBe(20)
    bench.now = lastsMs
    expect(bench.list.unreliableSince).toBeUndefined()
    for (let i = 0; i < 9; i++) bench.add(ipv4(i), 30)
    expect(bench.list.unreliableSince).toBe(30)
    bench.list.clear()
    expect(bench.list.unreliableSince).toBeUndefined()
  })

  it('of some thousand hosts holds the last ones', () => {
    const bench = new Bench(2_048)
    const hosts = Array.from({ length: 10_000 }, (_, i) => host(`198.51.${i >> 8}.${i & 255}`))
    for (const one of hosts) bench.add(one)
    expect(bench.list.list().map(({ item }) => item)).toEqual(hosts.slice(-2_048))
  })
})

describe('what counts as one host', () => {
  it('is an IPv6 network of /64, however many of its addresses misbehave', () => {
    const bench = new Bench()
    for (let i = 0; i < 5_000; i++) bench.add(host(`2001:db8:1:2:${i.toString(16)}::1`))
    expect(bench.list.list()).toHaveLength(1)
    expect(bench.has(host('2001:db8:1:2:ffff:ffff:ffff:ffff'), host('2001:db8:1:3::1'))).toEqual([true, false])
  })

  it('is one IPv4 address, or one name', () => {
    const bench = new Bench()
    bench.add(ipv4(1))
    bench.add(host('one.example.org'))
    expect(bench.has(ipv4(2), host('two.example.org'), host('one.example.org'))).toEqual([false, false, true])
  })

  it('is the IPv4 address behind the translation of IPv6-only networks, or one fault would hit all of IPv4', () => {
    const bench = new Bench()
    bench.add(host('64:ff9b::192.0.2.1'))
    expect(bench.has(ipv4(1), host('64:ff9b::192.0.2.2'))).toEqual([true, false])
  })
})
