import { describe, expect, it } from 'vitest'
import { AddressGreylist } from '../../../src/core/tables/greylist.ts'
import { hostOfIp, hostOfName } from '../../../src/core/values/address.ts'
import type { Host } from '../../../src/core/values/ids.ts'

const key = Uint8Array.of(7)

function greylist(sizeKiB = 1_024): AddressGreylist {
  return new AddressGreylist({ sizeKiB, key })
}

function host(address: string): Host {
  const found = hostOfIp(address) ?? hostOfName(address)
  if (found === undefined) throw new Error(`no host: ${address}`)
  return found
}

function ipv4(number: number): Host {
  return host(`${1 + (number >>> 16)}.${(number >>> 8) & 255}.${number & 255}.1`)
}

const three = ['ffff::3', 'ffff:00::ff', 'a::2'].map(host)

describe('the greylist of hosts', () => {
  it('bans no host when empty', () => {
    const list = greylist()
    expect(three.map((one) => list.has(one))).toEqual([false, false, false])
    expect(list.list()).toEqual([])
    expect(list.figures()).toMatchObject({ count: 0, fill: 0, falsePositiveRate: 0, isFadingFaster: false })
  })

  it('bans the hosts that were added, until it is cleared', () => {
    const list = greylist()
    for (const one of three) list.add(one, 1)
    expect(three.map((one) => list.has(one))).toEqual([true, true, true])
    list.clear()
    expect(three.map((one) => list.has(one))).toEqual([false, false, false])
    expect(list.list()).toEqual([])
  })

  it('forgets a host after fifteen steps, from the readable list too', () => {
    const list = greylist()
    list.add(host('192.0.2.1'), 5)
    for (let step = 1; step < 15; step++) list.fade()
    expect(list.has(host('192.0.2.1'))).toBe(true)
    expect(list.list()).toEqual([{ host: '::ffff:192.0.2.1', since: 5 }])
    list.fade()
    expect(list.has(host('192.0.2.1'))).toBe(false)
    expect(list.list()).toEqual([])
    expect(list.figures().fill).toBe(0)
  })

  it('counts the steps anew for a host that gives cause again', () => {
    const list = greylist()
    list.add(host('192.0.2.1'), 1)
    list.fade(14)
    list.add(host('192.0.2.1'), 2)
    list.fade(14)
    expect(list.list()).toEqual([{ host: '::ffff:192.0.2.1', since: 2 }])
    expect(list.has(host('192.0.2.1'))).toBe(true)
    list.fade(1)
    expect(list.has(host('192.0.2.1'))).toBe(false)
  })

  it('counts an IPv6 network of /64 once, however many of its addresses misbehave', () => {
    const list = greylist()
    for (let i = 0; i < 5_000; i++) list.add(host(`2001:db8:1:2:${i.toString(16)}::1`), i)
    expect(list.list()).toHaveLength(1)
    expect(list.figures().fill * 2 ** 21).toBeCloseTo(5)
    expect(list.has(host('2001:db8:1:2:ffff:ffff:ffff:ffff'))).toBe(true)
    expect(list.has(host('2001:db8:1:3::1'))).toBe(false)
    expect(list.unreliableSince).toBeUndefined()
  })

  it('tells IPv4 addresses and names apart one by one', () => {
    const list = greylist()
    list.add(host('192.0.2.1'), 1)
    list.add(host('one.example.org'), 1)
    expect(list.has(host('192.0.2.2'))).toBe(false)
    expect(list.has(host('two.example.org'))).toBe(false)
    expect(list.has(host('one.example.org'))).toBe(true)
  })

  it('sees through the translation of IPv6-only networks, and so does not hit all of IPv4 behind it', () => {
    const list = greylist()
    list.add(host('64:ff9b::192.0.2.1'), 1)
    expect(list.has(host('192.0.2.1'))).toBe(true)
    expect(list.has(host('64:ff9b::192.0.2.2'))).toBe(false)
  })
})

describe('taking one host off', () => {
  it('leaves all the others, also those that share cells with it', () => {
    const hosts = Array.from({ length: 1_024 }, (_, i) => ipv4(i * 999))
    const [list, expected] = [greylist(), greylist()]
    for (const one of hosts) list.add(one, 1)
    expect(Math.round(list.figures().fill * 2 ** 21), 'cells set: fewer than five each').toBeLessThan(5 * hosts.length)
    for (const one of hosts.slice(0, 512)) {
      expect(list.remove(one)).toBe(true)
      expect(list.has(one)).toBe(false)
    }
    for (const one of hosts.slice(512)) expected.add(one, 1)
    expect(list.figures()).toEqual(expected.figures())
    expect(list.list()).toEqual(expected.list())
    expect(list.remove(ipv4(0))).toBe(false)
  })

  it('does not make the others last longer', () => {
    const list = greylist(64)
    const hosts = Array.from({ length: 60 }, (_, i) => ipv4(i * 999))
    for (const one of hosts) list.add(one, 1)
    list.fade(10)
    list.remove(ipv4(0))
    list.fade(4)
    expect(hosts.slice(1).every((one) => list.has(one))).toBe(true)
    list.fade(1)
    expect(list.figures()).toMatchObject({ count: 0, fill: 0 })
  })
})

describe('the readable list', () => {
  it('is unreliable from the first drop of a host still in force until that one has faded', () => {
    const list = greylist(4)
    for (let i = 0; i < 4; i++) list.add(ipv4(i), 10 + i)
    expect(list.unreliableSince).toBeUndefined()
    list.add(ipv4(4), 20)
    list.add(ipv4(5), 21)
    expect(list.unreliableSince).toBe(20)
    expect(list.list().map(({ since }) => since)).toEqual([12, 13, 20, 21])
    expect(list.has(ipv4(0))).toBe(true)
    expect(list.figures().count).toBe(6)
    list.fade(15)
    expect(list.unreliableSince).toBeUndefined()
    expect(list.has(ipv4(0))).toBe(false)
  })

  it('stays reliable when a host listed already is listed again, full or not', () => {
    const list = greylist(4)
    for (let i = 0; i < 4; i++) list.add(ipv4(i), i)
    list.add(ipv4(0), 9)
    expect(list.unreliableSince).toBeUndefined()
    expect(list.list().map(({ since }) => since)).toEqual([1, 2, 3, 9])
  })

  it('is reliable again after clearing', () => {
    const list = greylist(1)
    list.add(ipv4(0), 1)
    list.add(ipv4(1), 2)
    expect(list.unreliableSince).toBe(2)
    list.clear()
    expect(list.unreliableSince).toBeUndefined()
  })
})

describe('a flood of hosts', () => {
  it('of one each in 30,000 networks never takes one other host in 200 for a listed one, and says how full it is', () => {
    const list = greylist(8)
    let worst = 0
    for (let i = 0; i < 30_000; i++) {
      list.add(ipv4(i), i)
      if (i % 1_000 === 999) {
        const wrong = Array.from({ length: 1_000 }, (_, k) => ipv4(5_000_000 + k)).filter((one) => list.has(one)).length
        worst = Math.max(worst, wrong / 1_000)
      }
      expect(list.has(ipv4(i))).toBe(true)
    }
    const figures = list.figures()
    expect(worst).toBeLessThan(0.005)
    expect(figures.fill).toBeLessThanOrEqual(0.2501)
    expect(figures.falsePositiveRate).toBeCloseTo(figures.fill ** 5)
    expect(figures.forcedSteps).toBeGreaterThan(0)
    expect(figures.lifeExpectancy.reduce((sum, cells) => sum + cells)).toBe(2 ** 14)
    expect(list.list()).toHaveLength(8)
    expect(list.unreliableSince).toBeDefined()
  })

  it('above a tenth of the cells makes each step count twice, and the figures say so', () => {
    const list = greylist(8)
    for (let i = 0; i < 500; i++) list.add(ipv4(i), i)
    expect(list.figures().fill).toBeGreaterThan(0.1)
    expect(list.figures().isFadingFaster).toBe(true)
    for (let step = 0; step < 7; step++) list.fade()
    expect(list.has(ipv4(499))).toBe(true)
    list.fade()
    expect(list.has(ipv4(499))).toBe(false)
    expect(list.figures()).toMatchObject({ fill: 0, isFadingFaster: false, forcedSteps: 0 })
  })

  it('fades in one call of many steps as in many calls of one', () => {
    const [many, once] = [greylist(8), greylist(8)]
    for (let i = 0; i < 900; i++) {
      if (i % 150 === 0) {
        many.fade()
        once.fade()
      }
      many.add(ipv4(i), i)
      once.add(ipv4(i), i)
    }
    for (let step = 0; step < 5; step++) many.fade()
    once.fade(5)
    expect(once.figures()).toEqual(many.figures())
    expect(once.list()).toEqual(many.list())
  })
})
