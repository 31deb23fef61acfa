import { describe, expect, it } from 'vitest'
import { type CidrRange, formatIp, type IpGroups, isInRange, parseIp, prefixOf, tryParseRange } from '../../../src/core/values/ip.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'

function range(text: string): CidrRange {
  const found = tryParseRange(text)
  if (found === undefined) throw new Error(`no range: ${text}`)
  return found
}

function groups(text: string): IpGroups {
  const found = parseIp(text)
  if (found === undefined) throw new Error(`no address: ${text}`)
  return found
}

describe('the addresses of ranges', () => {
  it.each([
    [[], '', ':: ffff:: a::2'],
    [['ffff::/16'], 'ffff::3 ffff:ffff:: ffff:0::ff', 'fffe::3 ffee:ffff:: ::'],
    [['f000::/4'], 'f000::1', 'e000::'],
    [['::/128'], '::', '1:: ::1'],
    [['ffff:eeee::/32'], 'ffff:eeee::1', 'eeee:ffff::1'],
    [['::/17'], ':: 0:7000::', '0:8000::1'],
    [['e000::/4', 'a000::/4', 'ffff::/16'], 'ffff::1 a111:8000::1', 'b111:8000::1'],
    [['e000::/4', 'a000::/4', 'ffff::/16', '1234:5678::1/128'], '1234:5678::1', '1234:5678::100 b111:8000::1'],
    [['::/1', '8000::/1'], ':: ffff::1 7fff:: 8000:: 192.0.2.1', ''],
    [['::/0'], ':: ffff::1 192.0.2.1', ''],
    [['192.0.2.0/24'], '192.0.2.0 192.0.2.255 ::ffff:c000:201', '192.0.3.0 ::1 64:ff9b::192.0.2.1'],
    [['0.0.0.0/0'], '0.0.0.0 255.255.255.255', ':: ::1 ::fffe:ffff:ffff'],
    [['192.0.2.7'], '192.0.2.7', '192.0.2.6']
  ])('of %j holds %j and not %j', (texts, inside, outside) => {
    const holds = (address: string): boolean => texts.some((text) => isInRange(groups(address), range(text)))
    for (const address of inside.split(' ').filter(Boolean)) expect(holds(address), address).toBe(true)
    for (const address of outside.split(' ').filter(Boolean)) expect(holds(address), address).toBe(false)
  })

  it('are those whose prefix is that of the range', () => {
    const random = seededRandom(5).next
    for (let round = 0; round < 500; round++) {
      // Few different groups, so that prefixes are shared.
      const address = (): IpGroups => Array.from({ length: 8 }, () => [0, 1, 0xfffe, 0xffff][Math.floor(random() * 4)] ?? 0)
      const one = range(`${formatIp(address())}/${Math.floor(random() * 129)}`)
      for (let i = 0; i < 50; i++) {
        const probe = address()
        const holds = prefixOf(probe, one.length).every((group, at) => group === one.prefix[at])
        expect(isInRange(probe, one), `round ${round}: ${formatIp(probe)} in ${one.text}`).toBe(holds)
      }
    }
  })
})

describe('the text of a range', () => {
  it.each([
    ['192.0.2.77/24', '192.0.2.0/24'],
    ['::ffff:192.0.2.77/120', '192.0.2.0/24'],
    ['2001:DB8:0::1/32', '2001:db8::/32'],
    ['2001:db8::1', '2001:db8::1/128'],
    ['192.0.2.1', '192.0.2.1/32'],
    ['::ffff:0:0/95', '::fffe:0:0/95'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['::1/0', '::/0']
  ])('%s is written %s', (text, canonical) => {
    expect(range(text).text).toBe(canonical)
    expect(range(canonical)).toEqual(range(text))
  })

  it.each([
    '',
    '/',
    '/8',
    '192.0.2.0/33',
    '::/129',
    '::/-1',
    '::/1.5',
    '::/01',
    '::/ 1',
    '::/8/8',
    '192.0.2/24',
    'example.org/8',
    '[::]/8',
    '::/',
    '::/0x8'
  ])('%j is none', (text) => {
    expect(tryParseRange(text)).toBeUndefined()
  })
})
