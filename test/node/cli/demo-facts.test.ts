import { describe, expect, test } from 'vitest'
import { eventually, expectThat, Facts } from '../../../node/cli/demo-facts.ts'

function facts(isOver?: () => boolean) {
  const lines: string[] = []
  return { lines, facts: new Facts({ write: (line) => lines.push(line), isOver }) }
}

describe('the facts of the check', () => {
  test('a fact that holds is one line with its time and what was seen', async () => {
    const { lines, facts: it } = facts()
    expect(await it.holds('page 1 holds Node peers', async () => '5 of 5')).toBe(true)
    expect(lines).toEqual([expect.stringMatching(/^ok {5}\d+\.\d\d s {2}page 1 holds Node peers \(5 of 5\)$/)])
    expect([it.held, it.failed]).toEqual([1, 0])
  })

  test('a fact that does not hold tells what was expected and what was seen, and counts', async () => {
    const { lines, facts: it } = facts()
    const held = await it.holds('they hold each other', async () => {
      expectThat(false, { expected: 'four', seen: ['tcp', 'ws'] })
      return undefined
    })
    expect(held).toBe(false)
    expect(lines).toEqual([
      expect.stringMatching(/^FAIL {3}\d+\.\d\d s {2}they hold each other$/),
      '       expected: four',
      '       seen:     ["tcp","ws"]'
    ])
    expect([it.held, it.failed]).toEqual([0, 1])
  })

  test('an error of the observation itself is a failed fact too', async () => {
    const { lines, facts: it } = facts()
    expect(await it.holds('a page opens', () => Promise.reject(new Error('no such page')))).toBe(false)
    expect(lines[1]).toContain('no such page')
  })

  test('an observation that never ends is cancelled', async () => {
    const { lines, facts: it } = facts()
    expect(await it.holds('it ends', () => new Promise(() => undefined), { withinMs: 10 })).toBe(false)
    expect(lines).toContain('       expected: an end within 0.01 s')
  })

  test('once the check is interrupted nothing is observed or written, and nothing counts', async () => {
    let over = false
    const { lines, facts: it } = facts(() => over)
    const last = it.holds('seen in the end', async () => {
      over = true
      throw new Error('the browser is gone')
    })
    expect(await last).toBe(false)
    expect(await it.holds('never looked at', async () => expect.fail('it was observed'))).toBe(false)
    expect(lines).toEqual([])
    expect([it.held, it.failed]).toEqual([0, 0])
  })

  test('waiting ends with the first thing found, or says what was seen instead', async () => {
    let looks = 0
    expect(await eventually(() => (++looks === 3 ? 'found' : undefined), { expected: 'something' })).toBe('found')
    const never = eventually(() => undefined, { withinMs: 1, expected: 'a connection', seen: () => 'nobody' })
    await expect(never).rejects.toThrow('expected a connection within 0.00 s; saw nobody')
  })
})
