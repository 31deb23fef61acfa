import { expect, it } from 'vitest'
import { hashOf } from '../../src/recording/snapshot-hash.ts'
import { withoutNotes } from '../../src/recording/taped-options.ts'
import { recordedLife, replayed } from './recorded-world.ts'

const lives = 100

it(`${lives} recorded lives replay to the same snapshot hash`, { timeout: 60_000 }, async () => {
  const events = new Map<string, number>()
  for (let seed = 1; seed <= lives; seed++) {
    const lines = await recordedLife(seed)
    const onEvent = ({ type }: { type: string }): void => void events.set(type, (events.get(type) ?? 0) + 1)
    const { divergence, hash, recordedHash, turns } = await replayed(lines, { onEvent })
    expect({ divergence, hash, turns }, `seed ${seed}`).toEqual({ divergence: undefined, hash: recordedHash, turns: lines.length - 1 })
  }
  // Lives in which little happens would show little.
  for (const type of [
    'connection-opened',
    'connection-lost',
    'connection-closed',
    'connection-failed',
    'peer-banned',
    'handshake-refused',
    'storage-saved'
  ])
    expect(events.get(type) ?? 0, type).toBeGreaterThan(10)
})

it('a change of any input is noticed, with the first turn that is not as recorded', { timeout: 60_000 }, async () => {
  const lines = await recordedLife(3)
  const turns = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const changes: [name: string, change: (turn: Record<string, unknown>) => unknown][] = [
    ['a timer that is not set', (turn) => ({ ...turn, do: [['timer', 1_000_000]] })],
    ['another checksum', (turn) => ({ ...turn, sum: (Number(turn.sum) + 1) & 0xffff })],
    ['a random number more', (turn) => ({ ...turn, chance: [1, ...((turn.chance as number[] | undefined) ?? [])] })],
    ['a turn that is missing', () => undefined]
  ]
  for (const [name, change] of changes) {
    const at = turns.findIndex((turn, i) => i > 20 && JSON.stringify(turn).includes('chunk'))
    const changed = turns.flatMap((turn, i) => (i === at ? (change(turn) ?? []) : turn)).map((turn) => JSON.stringify(turn))
    const { divergence } = await replayed(changed)
    expect(divergence?.turn, name).toBeGreaterThanOrEqual(at)
    expect(divergence?.turn, name).toBeLessThan(at + 3)
  }
})

it('another hash than the recorded one is noticed', async () => {
  const lines = await recordedLife(5)
  const at = lines.findIndex((line) => line.includes('"saved"'))
  const changed = lines.map((line, i) =>
    i === at ? line.replace(/"saved","./, (found) => found.slice(0, -1) + (found.endsWith('0') ? '1' : '0')) : line
  )
  const { divergence } = await replayed(changed)
  expect(divergence?.text).toMatch(/^the snapshot has the hash [0-9a-f]{16}, and had [0-9a-f]{16} when it was recorded$/)
})

it.each([
  ['{"kind":"peer","peerId":"a","metadata":{"note":"private"}}', '{"kind":"peer","peerId":"a","metadata":null}'],
  [
    '{"kind":"peer","lastReport":{"kind":"fault","reason":"private","at":1}}',
    '{"kind":"peer","lastReport":{"kind":"fault","reason":"not recorded","at":1}}'
  ],
  ['{"meta\\u0064ata":"private"}', '{"metadata":null}'],
  ['{"kind":"peer","metadata":"private', '{'],
  ['{"kind":"point","point":"a"}', '{"kind":"point","point":"a"}']
])('what the application says of peers is taken out of a saved text: %s', (line, without) => {
  expect(withoutNotes(`{"version":1}\n${line}\n`)).toBe(`{"version":1}\n${without}\n`)
})

it('the hash is that of the text alone', () => {
  expect(hashOf('a')).toBe(hashOf('a'))
  expect(new Set(['', 'a', 'b', 'ab', 'ba'].map(hashOf)).size).toBe(5)
})
