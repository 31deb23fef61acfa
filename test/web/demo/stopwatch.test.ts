/** When a stopwatch of a break stops, from events and their times alone. */
import { describe, expect, test } from 'vitest'
import type { BreakKind } from '../../../web/demo/break-run.ts'
import { formatSeconds, outcomeWords, timeWords } from '../../../web/demo/break-words.ts'
import { type Blow, type Progress, Stopwatch } from '../../../web/demo/stopwatch.ts'

const start = 1_000_000

/** `+ a` opens, `- a` closes, at so many ms after the start; `blow` is learned of at its place in the list. */
type Step = readonly [at: number, what: string] | Blow

function follow(before: string, steps: readonly Step[], enough = 3): Progress {
  const watch = new Stopwatch({ at: start, connected: [...before], enough })
  for (const step of steps) {
    if ('overAt' in step)
      watch.strike({ ...step, overAt: start + step.overAt, mendedAt: step.mendedAt === undefined ? undefined : start + step.mendedAt })
    else if (step[1].startsWith('+')) watch.opened(step[1].slice(2), start + step[0])
    else watch.closed(step[1].slice(2), start + step[0])
  }
  return watch.progress
}

const killed = (dead: string): Blow => ({ dead: [...dead], overAt: 0 })

describe('a stopwatch', () => {
  test.each<[string, string, readonly Step[], Partial<Progress> & object]>([
    ['runs while nothing is known of the break', 'abcd', [[5, '- a']], { kind: 'runs', working: 3 }],
    [
      'runs while too few are connected',
      'abc',
      [killed('ab'), [5, '- a'], [6, '- b'], [9, '+ d']],
      { kind: 'runs', working: 2, fewest: 1 }
    ],
    [
      'stops with the connection that is the last one needed',
      'abc',
      [killed('ab'), [5, '- a'], [6, '- b'], [70, '+ d'], [90, '+ e'], [99, '+ f']],
      { kind: 'back', tookMs: 90, working: 3, fewest: 1 }
    ],
    [
      'counts what came before the break is known',
      'abc',
      [[5, '- a'], [40, '+ d'], [41, '+ e'], killed('a')],
      { kind: 'back', tookMs: 40, working: 3, fewest: 2 }
    ],
    ['stops at once where enough are left', 'abcde', [[5, '- a'], killed('a')], { kind: 'held', tookMs: 0, working: 4, fewest: 4 }],
    [
      'runs where enough are left until what was killed is back',
      'abcde',
      [{ ...killed('a'), mendedAt: Number.POSITIVE_INFINITY }, [5, '- a']],
      { kind: 'runs', working: 4, before: 5, lost: 1 }
    ],
    [
      'stops where enough were left when what was killed is back',
      'abcde',
      [{ ...killed('a'), mendedAt: Number.POSITIVE_INFINITY }, [5, '- a'], { ...killed('a'), mendedAt: 5_200 }],
      { kind: 'held', tookMs: 5_200, fewest: 4, lost: 1 }
    ],
    [
      'stops when there are enough again, however long what was killed is away',
      'abcd',
      [{ ...killed('ab'), mendedAt: Number.POSITIVE_INFINITY }, [5, '- a'], [30, '+ e']],
      { kind: 'back', tookMs: 30, fewest: 2, lost: 2 }
    ],
    ['stops at once where nobody of them was connected', 'abc', [killed('xyz')], { kind: 'held', tookMs: 0, fewest: 3 }],
    [
      'does not count a connection that works no more and was not noticed yet',
      'abcd',
      [killed('ab'), [30, '+ e']],
      { kind: 'back', tookMs: 30, working: 3, fewest: 2 }
    ],
    ['counts a peer that was killed and is back', 'abc', [killed('ab'), [5, '- a'], [5, '- b'], [20, '+ b']], { kind: 'runs', working: 2 }],
    ['counts a peer once, however often it comes', 'abc', [killed('ab'), [20, '+ d'], [21, '+ d']], { kind: 'runs', working: 2 }],
    [
      'stops not before the break is over',
      'abc',
      [[10, '- a'], [20, '+ d'], { dead: [], overAt: 50 }],
      { kind: 'back', tookMs: 50, fewest: 2 }
    ],
    [
      'stops after it, where it is felt until then',
      'abc',
      [{ dead: [...'abc'], overAt: 50 }, [60, '- a'], [61, '+ a'], [62, '+ b'], [63, '+ c']],
      { kind: 'back', tookMs: 63, fewest: 0 }
    ],
    ['stops at the end of a break that nobody felt', 'abc', [{ dead: [], overAt: 50 }], { kind: 'held', tookMs: 50, fewest: 3 }],
    [
      'runs while a liar is here, who does not count',
      'ab',
      [{ dead: [], unwelcome: 'l', overAt: 0 }, [5, '+ l'], [6, '+ c']],
      { kind: 'runs', working: 3 }
    ],
    [
      'stops when the liar is out',
      'abc',
      [[5, '+ l'], { dead: [], unwelcome: 'l', overAt: 0 }, [80, '- l']],
      { kind: 'held', tookMs: 80, working: 3 }
    ],
    ['runs while the break goes on', 'abc', [{ dead: [], overAt: Number.POSITIVE_INFINITY }, [5, '+ d']], { kind: 'runs', working: 4 }],
    [
      'takes what is known at last',
      'abc',
      [
        { dead: [...'abc'], overAt: Number.POSITIVE_INFINITY },
        { dead: [], overAt: 9 }
      ],
      { kind: 'held', tookMs: 9, fewest: 3 }
    ],
    ['stays stopped', 'abc', [killed('a'), [7, '+ d'], [8, '- d'], [9, '- b']], { kind: 'back', tookMs: 7, working: 3 }],
    ['needs nobody where nobody is enough', '', [killed('')], { kind: 'held', tookMs: 0, working: 0 }]
  ])('%s', (name, before, steps, expected) => {
    expect(follow(before, steps, before.length === 0 ? 0 : 3), name).toMatchObject(expected)
  })

  test('is the same in whatever order the break and its events are learned of', () => {
    const events: readonly Step[] = [
      [5, '- a'],
      [6, '- b'],
      [70, '+ d'],
      [90, '+ e']
    ]
    const all = events.map((_, place) => follow('abc', [...events.slice(0, place), killed('ab'), ...events.slice(place)]))
    expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(1)
  })
})

test('the words say how few there were, and whether that was too few', () => {
  const counts = { working: 5, fewest: 2, before: 6, lost: 4 }
  const one = { working: 6, fewest: 5, before: 6, lost: 1 }
  const words = (kind: BreakKind, progress: Progress, isPool = true) => outcomeWords({ kind, progress, enough: 5, isPool })
  expect(words('half', { kind: 'runs', ...counts, working: 1, fewest: 1 })).toBe('1 connection works, 5 are enough')
  expect(words('half', { kind: 'back', tookMs: 1, ...counts })).toBe('lost 4 of 6; had fallen to 2, back with 5')
  expect(words('relay', { kind: 'runs', ...one })).toBe('lost 1 of 6, 5 are enough; waits for the relay')
  expect(words('relay', { kind: 'held', tookMs: 5_200, ...one })).toBe(
    'lost 1 of 6; never below the minimum of 5; the relay was back after 5.2 s'
  )
  expect(words('cut', { kind: 'held', tookMs: 1, ...one })).toBe('lost 1 of 6; never below the minimum of 5')
  expect(words('liar', { kind: 'runs', ...counts }, false)).toBe('still holds the liar')
  expect(words('liar', { kind: 'held', tookMs: 1, ...counts })).toContain('threw the liar out')
  expect(words('liar', { kind: 'held', tookMs: 1, ...counts }, false)).toContain('until the liar left')
  expect(words('freeze', { kind: 'held', tookMs: 1, ...counts })).toBe('the freeze took 0.0 s; no connection was lost')
  expect(timeWords({ kind: 'freeze', progress: { kind: 'held', tookMs: 5_100, ...one } }, 9)).toBe('none lost')
  expect(timeWords({ kind: 'half', progress: { kind: 'back', tookMs: 5_100, ...one } }, 9)).toBe('5.1 s')
  expect([0, 49, 1_950, 61_234].map(formatSeconds)).toEqual(['0.0 s', '0.0 s', '1.9 s', '61.2 s'])
})
