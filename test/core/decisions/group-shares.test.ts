import { describe, expect, it } from 'vitest'
import { type Holder, shareOf } from '../../../src/core/decisions/group-shares.ts'
import { chooseRival, judgeShare, sharedFrom } from '../../../src/core/decisions/rivals.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { PeerId } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { shuffled } from '../../support/shuffle.ts'

interface Guest extends Holder {
  readonly name: string
}

/** `8.1.2.3#4` came from that address, at 4 ms, `-#4` from nowhere that is seen; with `!` it cannot go now. */
function guest(text: string): Guest {
  const [ip = '', at = ''] = text.split('#')
  const host = ip === '-' ? undefined : hostOfIp(ip)
  return { ...shareOf({ host, peerId: text as PeerId }), startedAt: Number.parseInt(at, 10), mayGo: !at.endsWith('!'), name: text }
}

/** `count` of one host, at 1 ms and on. */
const crowd = (ip: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${ip}#${n + 1}`)
/** One of each of so many networks. */
const each = (count: number, at = 1): string[] => Array.from({ length: count }, (_, n) => `${n + 20}.1.1.1#${at}`)

describe('what a guest is counted with', () => {
  const same: readonly (readonly [string, string, boolean, boolean])[] = [
    ['8.1.2.3', '8.1.2.3', true, true],
    ['8.1.2.3', '::ffff:801:203', true, true],
    ['8.1.2.3', '8.1.2.4', false, true],
    ['8.1.2.3', '8.1.99.4', false, true],
    ['8.1.2.3', '8.2.2.3', false, false],
    ['2a00:1:2:3::1', '2a00:1:2:3:ffff::9', true, true],
    ['2a00:1:2:3::1', '2a00:1:2:4::1', false, true],
    ['2a00:1:2:3::1', '2a00:1:3:3::1', false, false],
    ['127.0.0.1', '127.0.0.1', false, true],
    ['127.0.0.1', '10.0.0.1', false, true],
    ['10.0.0.1', '8.1.2.3', false, false],
    ['-', '192.168.0.1', false, true],
    ['-', '8.1.2.3', false, false]
  ]
  for (const [a, b, isGroup, isWider] of same) {
    it(`two peers at ${a} and ${b}: ${isGroup ? 'one group' : 'two groups'}, ${isWider ? 'one wider group' : 'two wider groups'}`, () => {
      const [one, other] = [guest(`${a}#1`), guest(`${b}#2`)]
      expect([one.group === other.group, one.wider === other.wider]).toEqual([isGroup, isWider])
    })
  }
})

describe('who makes room', () => {
  const cases: readonly {
    name: string
    holders: readonly string[]
    newcomer: string
    prior?: Record<string, number>
    goes: string | undefined
  }[] = [
    { name: 'nobody where nobody is', holders: [], newcomer: '8.1.2.3#9', goes: undefined },
    { name: 'nobody where all are alone', holders: each(5), newcomer: '8.1.2.3#9', goes: undefined },
    { name: 'the newest of the largest', holders: [...each(5), ...crowd('9.1.1.1', 3)], newcomer: '8.1.2.3#9', goes: '9.1.1.1#3' },
    { name: 'the newer of two', holders: [...each(5), ...crowd('9.1.1.1', 2)], newcomer: '8.1.2.3#9', goes: '9.1.1.1#2' },
    {
      name: 'nobody for a newcomer that would make its group as large',
      holders: [...crowd('8.1.2.3', 2), ...crowd('9.1.1.1', 3)],
      newcomer: '8.1.2.3#9',
      goes: undefined
    },
    { name: 'nor for one of the largest', holders: [...each(9), ...crowd('9.1.1.1', 3)], newcomer: '9.1.1.1#9', goes: undefined },
    {
      name: 'of two that are as large the newest of all',
      holders: [...crowd('9.1.1.1', 3), ...crowd('11.1.1.1', 2), '11.1.1.1#5'],
      newcomer: '8.1.2.3#9',
      goes: '11.1.1.1#5'
    },
    { name: 'not who cannot go', holders: [...each(5), '9.1.1.1#1', '9.1.1.1#2', '9.1.1.1#3!'], newcomer: '8.1.2.3#9', goes: '9.1.1.1#2' },
    { name: 'one whose group was counted for more', holders: each(5), newcomer: '8.1.2.3#9', prior: { '22.1.1.1': 1 }, goes: '22.1.1.1#1' },
    {
      name: 'nobody for a newcomer that was, too',
      holders: each(5),
      newcomer: '8.1.2.3#9',
      prior: { '22.1.1.1': 1, '8.1.2.3': 1 },
      goes: undefined
    },
    {
      name: 'the newest of a network that has more than half',
      holders: [...each(3), '9.1.1.1#1', '9.1.1.2#2', '9.1.1.3#3', '9.1.1.4#4'],
      newcomer: '8.1.2.3#9',
      goes: '9.1.1.4#4'
    },
    {
      name: 'not of one that has half',
      holders: [...each(3), '9.1.1.1#1', '9.1.1.2#2', '9.1.1.3#3'],
      newcomer: '8.1.2.3#9',
      goes: undefined
    },
    {
      name: 'nor for a newcomer of the same',
      holders: [...each(1), '9.1.1.1#1', '9.1.1.2#2', '9.1.1.3#3'],
      newcomer: '9.1.1.9#9',
      goes: undefined
    },
    {
      name: 'one without a public address, where they are more than half',
      holders: [...each(2), '-#1', '127.0.0.1#2', '10.0.0.1#3'],
      newcomer: '8.1.2.3#9',
      goes: '10.0.0.1#3'
    },
    { name: 'nobody for another of these', holders: [...each(2), '-#1', '127.0.0.1#2', '10.0.0.1#3'], newcomer: '-#9', goes: undefined },
    {
      name: 'an IPv6 /64 as one host',
      holders: [...each(5), '2a00:1:2:3::1#1', '2a00:1:2:3::2#2', '2a00:1:2:3::3#3'],
      newcomer: '2a00:9:9:9::1#9',
      goes: '2a00:1:2:3::3#3'
    }
  ]
  for (const { name, holders, newcomer, prior = {}, goes } of cases) {
    it(name, () => {
      const priors = new Map(Object.entries(prior).map(([ip, count]) => [guest(`${ip}#1`).group, count]))
      for (let seed = 1; seed <= 10; seed++) {
        const found = chooseRival(shuffled(holders.map(guest), seededRandom(seed)), guest(newcomer), (group) => priors.get(group) ?? 0)
        expect(found?.name, `seed ${seed}`).toBe(goes)
      }
    })
  }
})

describe('the share of a group', () => {
  const taken = { kind: 'take', evicts: undefined }
  const refused = { kind: 'refuse' }
  const cases: readonly {
    name: string
    holders: readonly string[]
    /** Of these we dialed so many. */
    dialed?: number
    newcomer: string
    places?: number
    expected: string | object
  }[] = [
    {
      name: 'the first quarter of all places is for whoever comes',
      holders: crowd('9.1.1.1', 24),
      newcomer: '9.1.1.1#99',
      expected: taken
    },
    { name: 'no more is for one host', holders: crowd('9.1.1.1', 25), newcomer: '9.1.1.1#99', expected: refused },
    { name: 'nor for one that others joined', holders: [...crowd('9.1.1.1', 20), ...each(5)], newcomer: '9.1.1.1#99', expected: refused },
    {
      name: 'whom we dialed leaves that quarter as it is',
      holders: [...crowd('9.1.1.1', 24), ...each(50)],
      dialed: 50,
      newcomer: '9.1.1.1#99',
      expected: taken
    },
    {
      name: 'beyond it a newcomer takes the place of the newest of a group that has more than a fifth',
      holders: crowd('9.1.1.1', 25),
      newcomer: '8.1.2.3#99',
      expected: '9.1.1.1#25'
    },
    { name: 'but of none that has a fifth', holders: [...crowd('9.1.1.1', 8), ...each(31)], newcomer: '8.1.2.3#99', expected: taken },
    { name: 'a group grows with the others', holders: [...crowd('9.1.1.1', 7), ...each(32)], newcomer: '9.1.1.1#99', expected: taken },
    { name: 'up to a fifth', holders: [...crowd('9.1.1.1', 8), ...each(31)], newcomer: '9.1.1.1#99', expected: refused },
    { name: 'a small pool takes four of one host', holders: crowd('9.1.1.1', 3), newcomer: '9.1.1.1#99', places: 8, expected: taken },
    { name: 'and no fifth', holders: crowd('9.1.1.1', 4), newcomer: '9.1.1.1#99', places: 8, expected: refused },
    {
      name: 'peers without a public address have no common share',
      holders: crowd('127.0.0.1', 60),
      newcomer: '127.0.0.1#99',
      expected: taken
    },
    { name: 'nor those without any', holders: crowd('-', 60), newcomer: '-#99', expected: taken },
    {
      name: 'addresses of one IPv6 /64 are one host',
      holders: Array.from({ length: 25 }, (_, n) => `2a00:1:2:3::${n + 1}#${n}`),
      newcomer: '2a00:1:2:3::99#99',
      expected: refused
    }
  ]
  for (const { name, holders, dialed = 0, newcomer, places = 100, expected } of cases) {
    it(name, () => {
      for (let seed = 1; seed <= 5; seed++) {
        const isFew = holders.length - dialed < sharedFrom(places)
        const verdict = isFew ? taken : judgeShare(shuffled(holders.map(guest), seededRandom(seed)), guest(newcomer))
        const evicted = verdict.kind === 'take' && verdict.evicts !== undefined ? verdict.evicts.name : verdict
        expect(evicted, `seed ${seed}`).toEqual(expected)
      }
    })
  }
})
