/** Short texts of the page that must be right: who is kept out until when, a band that makes no sense, a peer's history and worth. */
import { expect, test } from 'vitest'
import type { BandExplanation, PeerId } from '../../../src/core/index.ts'
import { blockWords } from '../../../web/demo/bans.ts'
import { wordsForNobody } from '../../../web/demo/connections.ts'
import { asSentence } from '../../../web/demo/explanation.ts'
import { bandState, plainNeed, ruleWords } from '../../../web/demo/gauge.ts'
import { bandProblem } from '../../../web/demo/pool-settings.ts'
import { historyLines, reportWords, scoreWords } from '../../../web/demo/sheet.ts'
import { wordsForTab } from '../../../web/demo/tabs.ts'
import { start } from './stage.ts'

const banned = { kind: 'banned', peerId: 'a' as PeerId, host: null, since: start } as const

test('a lone visitor reads what to do, and other sentences of the pool stay', () => {
  expect(
    plainNeed('6 connections: 5 to 8 are right, but it needs a page: no point of one can be dialed; it asks 5 peers for more in 3 s')
  ).toBe('6 connections: 5 to 8 are right. One place is kept for another page: open this address in a second browser')
  expect(plainNeed('6 connections: 5 to 8 are right, nothing to do')).toBe('6 connections: 5 to 8 are right, nothing to do')
})

test('a ban says its end, or that it has none', () => {
  expect(blockWords({ ...banned, endsAt: null }, start + 90_000)).toBe('since 1 min ago, until you lift it')
  expect(blockWords({ ...banned, endsAt: start + 600_000 }, start + 90_000)).toBe('since 1 min ago, 8 min 30 s more')
  expect(blockWords({ ...banned, kind: 'greylisted', endsAt: start + 3_600_000 }, start)).toBe('since just now, at most 1 h more')
})

test.each([
  [{ min: 1, expected: 2, max: 3 }, ''],
  [{ min: 0, expected: 0, max: 0 }, ''],
  [{ min: 3, expected: 2, max: 4 }, 'The minimum (3) must not be above the expected number (2).'],
  [{ min: 1, expected: 5, max: 4 }, 'The expected number (5) must not be above the maximum (4).'],
  [{ min: 1, expected: 1.5, max: 4 }, 'Three whole numbers from 0 to 500 are needed.'],
  [{ min: Number.NaN, expected: 1, max: 4 }, 'Three whole numbers from 0 to 500 are needed.'],
  [{ min: -1, expected: 1, max: 501 }, 'Three whole numbers from 0 to 500 are needed.']
])('the band %o: “%s”', (band, text) => {
  expect(bandProblem(band)).toBe(text)
})

test('what maintenance does at which number; bounds that are one are named once', () => {
  const bounds = { minThreshold: 5, minTarget: 7, aim: 8, maxTarget: 10, maxThreshold: 11 }
  expect(ruleWords(bounds)).toBe(
    'Below 8 the pool looks for peers, without pause below 5; above 10 it closes connections one by one, above 11 at once.'
  )
  expect(ruleWords({ minThreshold: 1, minTarget: 1, aim: 1, maxTarget: 2, maxThreshold: 2 })).toBe(
    'Below 1 the pool looks for peers; above 2 it closes some that are not trusted.'
  )
})

test('the headline over the band is made of the same answer as the sentence below it', () => {
  const bounds = { minThreshold: 5, minTarget: 7, aim: 8, maxTarget: 10, maxThreshold: 11 }
  const headline = (step: BandExplanation['step'], active: number): string => bandState('running', { step, active, bounds }).text
  expect(headline('filling', 4)).toBe('Too few: dialing.')
  expect(headline('searching', 4)).toBe('Too few: looking for more peers.')
  expect(headline('waiting', 4)).toBe('Too few: waiting.')
  expect(headline('filling', 7)).toBe('Inside the band, with room for some more.')
  expect(headline('content', 9)).toBe('Inside the band.')
  expect(headline('trimming', 12)).toBe('Too many: closing some.')
  expect(headline('content', 12)).toBe('More than the band: they stay.')
  expect(bandState('stopped', { step: 'content', active: 9, bounds }).text).toBe('The pool is not running.')
})

test('a list of nobody says why it is empty, and what to do', () => {
  const bounds = { minThreshold: 1, minTarget: 1, aim: 1, maxTarget: 2, maxThreshold: 2 }
  const titles = [
    wordsForNobody({ status: 'starting', points: [], outgoingAttempts: 0, bounds }, true),
    wordsForNobody({ status: 'stopped', points: [], outgoingAttempts: 0, bounds }, true),
    wordsForNobody({ status: 'suspended', points: [], outgoingAttempts: 0, bounds }, true),
    wordsForNobody({ status: 'suspended', points: [], outgoingAttempts: 0, bounds }, false),
    wordsForNobody({ status: 'running', points: [], outgoingAttempts: 0, bounds }, false),
    wordsForNobody({ status: 'running', points: [], outgoingAttempts: 2, bounds }, true),
    wordsForNobody({ status: 'running', points: [], outgoingAttempts: 0, bounds: { ...bounds, aim: 0 } }, true),
    wordsForNobody({ status: 'running', points: [], outgoingAttempts: 0, bounds }, true)
  ].map(({ title }) => title)
  expect(titles).toEqual([
    'Starting…',
    'The pool is stopped',
    'Asleep',
    'Offline',
    'Offline',
    'Connecting…',
    'No connections wanted',
    'No peers yet'
  ])
})

test('what a tab says of itself: nothing while it runs the pool without trouble', () => {
  expect(wordsForTab({ role: 'owner', hasOwner: true }, '')).toBeUndefined()
  expect(wordsForTab({ role: 'follower', hasOwner: true }, '')?.title).toMatch(/follows another one/)
  expect(wordsForTab({ role: 'follower', hasOwner: false }, '')?.title).toMatch(/^No tab runs the pool/)
  expect(wordsForTab({ role: 'follower', hasOwner: false }, 'It could not be started.')?.text).toBe('It could not be started.')
})

test('a history of 100 events is shown from the newest on, each line with a key of its own', () => {
  const events = Array.from({ length: 100 }, (_, index) => ({
    kind: index % 2 === 0 ? 'connection-opened' : 'connection-lost',
    at: start + Math.floor(index / 4),
    point: null
  }))
  const lines = historyLines(events, start)
  expect(lines).toHaveLength(100)
  expect(new Set(lines.map(({ key }) => key)).size).toBe(100)
  expect(lines.slice(0, 2).map(({ words }) => words)).toEqual(['It left, or the network failed.', 'Connected.'])
})

test('a score says what it is made of, and reports what they weigh', () => {
  const time = { of: 'time', amount: 3, score: 4 } as const
  const latency = { of: 'latency', amount: 125, score: 3.04 } as const
  expect(scoreWords({ score: 7.04, scoreReasons: [time, latency] })).toBe('7 (time 4, latency 3)')
  expect(scoreWords({ score: 4, scoreReasons: [time] })).toBe('4')
  expect(reportWords({ lastReport: null, penalty: 0 }, start)).toBe('none')
  expect(reportWords({ lastReport: { kind: 'slow', reason: 'block 7', at: start }, penalty: 1 }, start)).toBe(
    'slow just now (block 7); weight now 1.0'
  )
})

test("the pool's explanations become sentences, with short ids", () => {
  expect(asSentence('connected with 12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o')).toBe(
    'Connected with …qEWKV1o.'.replace('…', '…C')
  )
})
