import { expect, it } from 'vitest'
import { PoolError } from '../../src/core/values/reason.ts'
import { readRecording } from '../../src/recording/read-recording.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { recordedLife, replayed } from './recorded-world.ts'

const header = JSON.stringify({
  format: 'p2p-pool recording',
  version: 1,
  since: 1,
  peerId: 'p',
  micros: 0,
  offsetMs: 0,
  code: { onAdmit: false, score: false, storage: 'memory', openWithinMs: null },
  settings: { network: 'test' }
})
const turn = (change: object): string => JSON.stringify({ at: 0, do: [], sum: 0, ...change })
const link = { peerId: 'a', direction: 'incoming', host: null, transport: 'tcp', remoteAddress: 'x', plain: null, reaches: false }

it.each([
  ['nothing', [], 'line 1: expected the header of a recording, got nothing'],
  ['no JSON', ['what'], 'line 1: expected JSON, got "what"'],
  ['another file', ['{"format":"p2p-pool","version":1}'], 'line 1.format: expected \'p2p-pool recording\', got "p2p-pool"'],
  ['a later version', [header.replace('"version":1', '"version":2')], 'line 1.version: expected a whole number from 1 to 1, got 2'],
  ['no turns', [header], 'line 2: expected the first turn, got nothing'],
  ['a turn of another kind', [header, '[]'], 'line 2: expected { at, do, sum }, got an array of 0'],
  ['time that goes back', [header, turn({ at: -1 })], /^line 2\.at: expected a whole number from 0 to .*, got -1$/],
  [
    'an unknown input',
    [header, turn({ do: [['what']] })],
    /^line 2\.do\[0\]\[0\]: expected one of timer, done, failed, event, call, saved, got "what"$/
  ],
  [
    'an unknown call',
    [header, turn({ do: [['done', 1, 'constructor', null]] })],
    /^line 2\.do\[0\]\[2\]: expected one of dial, chunk, .*got "constructor"$/
  ],
  [
    'a link without a peer',
    [header, turn({ do: [['event', 'incoming', { ...link, peerId: '' }]] })],
    /^line 2\.do\[0\]\[2\]\.peerId: expected a text that is not empty, got ""$/
  ],
  [
    'too many bytes',
    [header, turn({ do: [['done', 1, 'chunk', [1e9]]] })],
    /^line 2\.do\[0\]\[3\]\[0\]: expected a whole number from 0 to 16777216, got 1000000000$/
  ],
  [
    'a small chunk that stands for too many bytes',
    [header, turn({ do: [['done', 1, 'chunk', Array(300).fill(16_777_216)]] })],
    /^line 2\.do\[0\]\[3\]: expected at most 16777216 bytes, got 5033164800$/
  ],
  [
    'chunks that stand for too many bytes together',
    [header, turn({ do: Array(5).fill(['done', 1, 'chunk', [16_777_216]]) })],
    /^line 2\.do: expected chunks of at most 67108864 bytes together, got 83886080$/
  ],
  [
    'a round that never comes',
    [header, turn({ do: [['call', Number.MAX_SAFE_INTEGER, 'maintain']] })],
    /^line 2\.do\[0\]\[1\]: expected a whole number from 0 to 1000000, got 9007199254740991$/
  ],
  [
    'no base64',
    [header, turn({ do: [['done', 1, 'chunk', ['%']]] })],
    'line 2.do[0][3][0]: expected base64, a number of bytes, or a hash, got "%"'
  ],
  [
    'a message without its size',
    [header, turn({ do: [['call', 0, 'broadcast', 'x']] })],
    'line 2.do[0][3]: expected an array of 1 to 1, got "x"'
  ],
  [
    'a chance of more bits',
    [header, turn({ chance: [2 ** 32] })],
    'line 2.chance[0]: expected a whole number from 0 to 4294967295, got 4294967296'
  ],
  ['a field too much', [header, turn({ more: 1 })], /^unknown option of line 2 "more"/]
])('%s is refused with its line', async (_, lines, message) => {
  const read = async (): Promise<void> => {
    for await (const _turn of (await readRecording(lines)).turns);
  }
  await expect(read()).rejects.toThrow(PoolError)
  await expect(read()).rejects.toThrow(message)
})

it('a turn of millions of entries is replayed in linear time', async () => {
  const many = 300_000
  const answers = Array.from({ length: many }, (_, i) => ['send:1', i + 1, null])
  const ticks = Array.from({ length: many }, (_, i) => [i + 1, 0])
  const calls = Array.from({ length: many }, () => ['call', 1, 'gcGreylist'])
  const line = JSON.stringify({ at: 0, do: calls, answers, ticks, chance: ticks.map(() => 1), sum: 0 })
  const begun = process.cpuUsage()
  await replayed([header, line])
  const { user, system } = process.cpuUsage(begun)
  expect((user + system) / 1000, 'ms of processor time').toBeLessThan(8_000)
})

it('a listener that throws ends the replay with what it threw', async () => {
  const lines = await recordedLife(3)
  const onEvent = (): void => {
    throw new Error('cannot be shown')
  }
  await expect(replayed(lines, { onEvent })).rejects.toThrow('cannot be shown')
})

it('settings that cannot be are refused', async () => {
  await expect(replayed([header.replace('"network":"test"', '"network":"test","maxConnections":-1'), turn({})])).rejects.toThrow(
    /^maxConnections/
  )
})

it('a recording with any value changed is replayed, found different, or refused; nothing else happens', { timeout: 60_000 }, async () => {
  const [first = '', ...turns] = (await recordedLife(11)).slice(0, 150)
  let refused = 0
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed)
    const at = Math.floor(random.next() * turns.length)
    const change = (_: string, value: unknown): unknown => {
      if (typeof value === 'object' || random.next() > 0.3) return value
      return ['', 'x', -1, 0, 7, null, true, '/ip4/192.0.2.1/tcp/1', 'p'.repeat(2_000)][Math.floor(random.next() * 9)]
    }
    const changed = JSON.stringify(JSON.parse(turns[at] ?? '{}'), change)
    try {
      const result = await replayed([first, ...turns.slice(0, at), changed, ...turns.slice(at + 1)])
      expect(result.turns).toBeLessThanOrEqual(turns.length)
    } catch (error) {
      expect(error, `seed ${seed}`).toBeInstanceOf(PoolError)
      refused++
    }
  }
  expect(refused).toBeGreaterThan(5)
})
