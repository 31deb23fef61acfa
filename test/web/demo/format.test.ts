import { describe, expect, test } from 'vitest'
import type { Host } from '../../../src/core/index.ts'
import {
  cutText,
  formatAgo,
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatHost,
  formatWait,
  shortenIds,
  shortId
} from '../../../web/demo/format.ts'

const peerId = '12D3KooWEucv3rM44zyXTYcnnRUrNU6kqMBy8TT77dm5cvGbMKWi'

describe('numbers as people read them', () => {
  test.each([
    [-1, '0 B'],
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [9_949, '9.9 kB'],
    [9_999, '10 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [34_000_000, '34 MB'],
    [5e15, '5000 TB']
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  test.each([
    [-5, '0 s'],
    [999, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [185_000, '3 min 5 s'],
    [7_200_000, '2 h'],
    [7_260_000, '2 h 1 min'],
    [86_400_000 * 4 + 3_600_000, '4 d 1 h']
  ])('%d ms last %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  test('a wait is never said to be shorter than it is', () => {
    expect(formatWait(11_001)).toBe('12 s')
    expect(formatWait(12_000)).toBe('12 s')
    expect(formatWait(59_001)).toBe('1 min')
  })

  test.each([
    [1_999, 'just now'],
    [2_000, '2 s ago'],
    [59_999, '59 s ago'],
    [3_599_999, '59 min ago'],
    [86_399_999, '23 h ago'],
    [86_400_000 * 3, '3 d ago'],
    [-60_000, 'just now']
  ])('what was %d ms ago is %s', (ms, text) => {
    expect(formatAgo(1_800_000_000_000 - ms, 1_800_000_000_000)).toBe(text)
  })

  test('a time of day has two digits each', () => {
    expect(formatClock(new Date(2026, 0, 2, 3, 4, 5).getTime())).toBe('03:04:05')
  })

  test('one thing is not many', () => {
    expect([0, 1, 2].map((count) => formatCount(count, 'peer'))).toEqual(['0 peers', '1 peer', '2 peers'])
    expect(formatCount(2, 'bad entry', 'bad entries')).toBe('2 bad entries')
  })
})

describe('names as people tell them apart', () => {
  test('a peer id is known by its end', () => {
    expect(shortId(peerId)).toBe('…cvGbMKWi')
    expect(shortId('short')).toBe('short')
  })

  test('all peer ids in a text are shortened, and nothing else', () => {
    expect(shortenIds(`/ip4/127.0.0.1/tcp/1/ws/p2p/${peerId}/p2p-circuit/webrtc/p2p/${peerId}`)).toBe(
      '/ip4/127.0.0.1/tcp/1/ws/p2p/…cvGbMKWi/p2p-circuit/webrtc/p2p/…cvGbMKWi'
    )
    expect(shortenIds('12D3KooW is how they begin')).toBe('12D3KooW is how they begin')
  })

  test('an IPv4 host is shown without its IPv6 form', () => {
    expect(formatHost('::ffff:192.0.2.1' as Host)).toBe('192.0.2.1')
    expect(formatHost('2001:db8::1' as Host)).toBe('2001:db8::1')
    expect(formatHost('example.org' as Host)).toBe('example.org')
  })
})

describe('a text from a peer', () => {
  test('is left as it is up to the limit', () => {
    expect(cutText('a'.repeat(10), 10)).toBe('a'.repeat(10))
  })

  test('is cut, and says how much is missing', () => {
    expect(cutText('a'.repeat(1_000), 10)).toBe(`${'a'.repeat(10)}… (990 more characters)`)
    expect(cutText('a'.repeat(11), 10)).toBe(`${'a'.repeat(10)}… (1 more character)`)
  })

  test('is not cut inside a character of two code units', () => {
    expect(cutText('😀'.repeat(4), 3).startsWith('😀😀😀…')).toBe(true)
    expect(cutText('😀'.repeat(3), 3)).toBe('😀😀😀')
  })
})
