/** Every figure of docs/protocol.md, held against the code. Its examples, numbers and codes: `test/core/wire/protocol-document.test.ts`. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { aliveForMs, minShared } from '../../src/core/decisions/advertisable-points.ts'
import { groupFactor, maxRates } from '../../src/core/flows/exchange.ts'
import { answerWithinMs, quietTries } from '../../src/core/flows/liveness.ts'
import { ackDeadlineMs } from '../../src/core/flows/mixing.ts'
import { lookEveryMs, looksUntilAsked, looksUntilStalled, maxWaitingBytes, maxWaitingSends } from '../../src/core/flows/outbox.ts'
import { memoryStorage, nodePreset, resolveConfig } from '../../src/core/index.ts'
import { maxUrgentMs } from '../../src/core/tables/attempt.ts'
import { greylistingMs } from '../../src/core/tables/greylist.ts'
import * as wireCaps from '../../src/core/wire/caps.ts'
import { closeDeadlineMs } from '../../src/libp2p/link.ts'

const whole = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const page = whole.slice(0, whole.indexOf('## Example bytes'))
const config = resolveConfig({ network: 'test' }, { preset: nodePreset, storage: memoryStorage() })

const times = {
  dial: config.connectionTimeoutMs,
  listen: config.authenticationTimeoutMs,
  twin: config.connectionTimeoutMs,
  closing: closeDeadlineMs,
  silence: config.keepAliveIntervalMs,
  answer: answerWithinMs,
  notReading: looksUntilAsked * lookEveryMs,
  stalled: looksUntilStalled * lookEveryMs,
  swapAck: ackDeadlineMs,
  afterConnection: config.reconnection.afterConnectionMs,
  urgentWait: maxUrgentMs,
  longestWait: config.reconnection.maxDelayMs,
  alive: aliveForMs,
  greylisting: greylistingMs(config.ipGreylistCleanupDelayMs)
}

const counts = {
  tries: quietTries,
  waitingMessages: maxWaitingSends,
  waitingBytes: maxWaitingBytes,
  applicationDefaultBytes: config.maxMessageBytes,
  pointsAtLeast: minShared
}

const numberOf = (text: string): number => Number(text.replaceAll(',', ''))

describe('docs/protocol.md', () => {
  it('names every time and count with its value', () => {
    const section = page.slice(page.indexOf('## Times'), page.indexOf('## Later versions'))
    const written = (unit: string): object =>
      Object.fromEntries(
        [...section.matchAll(new RegExp(`^\\| \`(\\w+)\` \\| ([\\d,]+)${unit} \\|`, 'gm'))].map(([, name, value = '']) => [
          name,
          numberOf(value)
        ])
      )
    expect(written(' ms')).toEqual(times)
    expect(written('')).toEqual(counts)
  })

  it('refers to figures by the names of its tables', () => {
    const named = new Set(Object.keys({ ...times, ...counts, ...wireCaps, ...maxRates }))
    const fields = new Set([...page.matchAll(/^\| \d+ `(\w+)`/gm)].map(([, name]) => name))
    const used = [...page.matchAll(/`([a-z]+[A-Z]\w*)`/g)].map(([, name = '']) => name)
    for (const name of used) expect(named.has(name) || fields.has(name), name).toBe(true)
    for (const name of Object.keys({ ...times, ...counts }))
      expect(page.split(`\`${name}\``).length, `\`${name}\` stands in its table and somewhere else`).toBeGreaterThan(2)
  })

  it('has no other figure with a unit than these', () => {
    const bytes = new Set<number>([...Object.values(wireCaps), 5])
    const figures = [...page.matchAll(/(\d[\d,.]*) (bytes|ms|s|min|minutes|hours|KiB|MiB)\b/g)]
    const isTime = (value: number): boolean => (Object.values(times) as (number | null)[]).includes(value)
    for (const [text, value = '', unit] of figures) {
      if (unit === 'bytes') expect(bytes.has(numberOf(value)), text).toBe(true)
      else if (unit === 'ms') expect(isTime(numberOf(value)), text).toBe(true)
      else expect.fail(`a figure that no table has: ${text}`)
    }
    expect(figures.length).toBeGreaterThan(20)
  })

  it('says how much an address group may send together', () => {
    expect([groupFactor, page.includes('may send four times as many')]).toEqual([4, true])
    expect(config.reconnection.jitter).toBe(0.2)
    expect(page).toContain('give or take a fifth')
  })
})
