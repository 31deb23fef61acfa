/** What the log takes for news, and how it folds what happens again and again. */
import { describe, expect, test } from 'vitest'
import type { PoolSnapshot } from '../../../src/core/index.ts'
import { type Entry, type Happening, maxEntries, withEntry } from '../../../web/demo/log-entries.ts'
import { bandNews, isNews, plainText } from '../../../web/demo/sentences.ts'
import { start } from './stage.ts'

const bounds = { minThreshold: 4, minTarget: 5, aim: 5, maxTarget: 8, maxThreshold: 10 }
const poolWith = (active: number, status: PoolSnapshot['status'] = 'running') => ({ active, bounds, status })
const happening = (text: string, at = start): Happening => ({
  ...{ name: 'event', at, text, fold: text },
  sentence: { tone: 'plain', pieces: [text] }
})

describe('the log', () => {
  test('takes comings, goings, bans and storage trouble for news, and neither dials nor the talk about points', () => {
    const news = ['connection-opened', 'connection-lost', 'peer-banned', 'storage-failed', 'own-points-changed'] as const
    expect(news.map(isNews)).toEqual(news.map(() => true))
    const others = ['dial-started', 'connection-failed', 'new-point', 'bootstrap-sent', 'advertise-received'] as const
    expect(others.map(isNews)).toEqual(others.map(() => false))
  })

  test.each([
    ['the band is filled', undefined, poolWith(5), 'band-reached', /^In the band: 5 connections; 5 to 8 are right\.$/],
    [
      'room is left in the band',
      undefined,
      { ...poolWith(6), bounds: { ...bounds, aim: 7 } },
      'band-reached',
      /with room for more; 7 to 8 are right/
    ],
    ['one too few', poolWith(5), poolWith(4), 'band-lost', /^Out of the band: 4 connections, fewer than 5/],
    ['too many', poolWith(8), poolWith(9), 'band-lost', /more than 8: closing some/],
    ['too few at the start', undefined, poolWith(0), undefined, undefined],
    ['one more inside', poolWith(5), poolWith(6), undefined, undefined],
    ['fewer, still below', poolWith(3), poolWith(2), undefined, undefined],
    ['the pool is stopped', poolWith(5), poolWith(0, 'stopped'), undefined, undefined]
  ])('tells of the band when the count enters or leaves it: %s', (_, before, after, name, words) => {
    const news = bandNews(before, after)
    expect(news?.name).toBe(name)
    if (news !== undefined && words !== undefined) expect(plainText(news.sentence)).toMatch(words)
  })

  test('a line that comes again is one line with its count, the newest time, and on top', () => {
    let entries: readonly Entry[] = []
    for (const [id, text] of ['lost a', 'lost b', 'lost a', 'lost a'].entries())
      entries = withEntry(entries, happening(text, start + id), id)
    expect(entries.map(({ text, count, at, firstAt }) => [text, count, at - start, firstAt - start])).toEqual([
      ['lost a', 3, 3, 0],
      ['lost b', 1, 1, 1]
    ])
  })

  test('what came long ago is a line of its own, and the oldest lines go', () => {
    let entries: readonly Entry[] = []
    for (let id = 0; id < maxEntries + 50; id++) entries = withEntry(entries, happening(id % 30 === 0 ? 'again' : `line ${id}`), id)
    expect(entries).toHaveLength(maxEntries)
    expect(entries.filter(({ text }) => text === 'again').every(({ count }) => count === 1)).toBe(true)
  })
})
