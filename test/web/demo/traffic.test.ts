import { expect, test } from 'vitest'
import type { ConnectionSnapshot } from '../../../src/core/index.ts'
import { distanceOf, guidesFor } from '../../../web/demo/distance.ts'
import { dotsFor } from '../../../web/demo/motion.ts'
import { maxSamples, TrafficRates } from '../../../web/demo/rates.ts'
import { bars } from '../../../web/demo/spark.ts'
import { snapshotOf, start } from './stage.ts'

const [connection] = snapshotOf({ connections: 1, points: 1 }).connections as [ConnectionSnapshot]
const at = (bytesReceived: number, bytesSent: number) => ({ connections: [{ ...connection, bytesReceived, bytesSent }] })

test('rates are bytes a second, one sample a second however often the page is drawn', () => {
  const rates = new TrafficRates()
  rates.add(at(500, 400), start)
  rates.add(at(600, 400), start + 100)
  rates.add(at(2_500, 400), start + 1_000)
  rates.add(at(2_500, 1_400), start + 3_000)
  expect(rates.of(connection)).toEqual([
    { received: 0, sent: 0 },
    { received: 2_000, sent: 0 },
    { received: 0, sent: 500 }
  ])
  expect(rates.all).toEqual(rates.of(connection))
})

test('a minute is kept, of connections that run', () => {
  const rates = new TrafficRates()
  for (let second = 0; second < 100; second += 1) rates.add(at(second, 0), start + 1_000 * second)
  expect(rates.of(connection)).toHaveLength(maxSamples)
  rates.add({ connections: [] }, start + 200_000)
  expect(rates.of(connection)).toEqual([])
})

test('a clock that was set back gives no negative rate', () => {
  const rates = new TrafficRates()
  rates.add(at(500, 0), start)
  rates.add(at(900, 0), start - 60_000)
  expect(rates.of(connection).at(-1)).toEqual({ received: 0, sent: 0 })
})

test('the chart has a bar for each second in which something moved', () => {
  const { up, down } = bars([
    { received: 0, sent: 10 },
    { received: 500, sent: 0 }
  ])
  expect(up).toBe('M118 11v-10h2v10z')
  expect(down).toBe('M116 11v2h2v-2z')
})

test('more bytes are more dots, up to four', () => {
  expect([-1, 0, 1, 99, 1_000, 10_000, 1e9].map(dotsFor)).toEqual([0, 0, 1, 1, 2, 3, 4])
})

test('round trips are distances by powers of ten, and circles say which', () => {
  const far = (least: number) => distanceOf({ rttMs: { last: 1, least } })
  expect([0.2, 1, 10, 100, 1_000, 60_000].map(far)).toEqual([0, 0, 1 / 3, 2 / 3, 1, 1].map((share) => expect.closeTo(share, 5)))
  expect(distanceOf({ rttMs: null })).toBe(0.5)
  const texts = (...leasts: number[]) => guidesFor(leasts.map((least) => ({ rttMs: { last: 1, least } }))).map(({ text }) => text)
  expect(texts(1)).toEqual(['1 ms', '10 ms'])
  expect(texts(1, 30)).toEqual(['1 ms', '10 ms', '100 ms'])
  expect(texts(900)).toEqual(['1 ms', '10 ms', '100 ms', '1 s'])
})
