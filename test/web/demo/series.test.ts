import { expect, test } from 'vitest'
import { inWords, reading } from '../../../web/demo/chart.ts'
import { ConnectionSeries, type SeriesSource } from '../../../web/demo/series.ts'

const source = (active: number, min = 3): SeriesSource => ({
  active,
  band: { min, expected: 9, max: 12 },
  bounds: { minThreshold: min + 2, minTarget: min + 4, aim: min + 5, maxTarget: 10, maxThreshold: 11 }
})

test('one sample for each change, none for what stays; what held before the span holds at its beginning', () => {
  const series = new ConnectionSeries()
  for (const [at, active] of [
    [1_000, 0],
    [2_000, 4],
    [3_000, 4],
    [9_000, 6]
  ] as const)
    series.add(source(active), at)
  const { at, active } = series.columns(5_000, 10_000)
  expect([at, active]).toEqual([
    [5, 9, 10],
    [4, 6, 6]
  ])
})

test('a band that was changed is drawn from then on', () => {
  const series = new ConnectionSeries()
  series.add(source(4), 1_000)
  series.add(source(4, 6), 2_000)
  expect(series.columns(0, 3_000)).toMatchObject({ at: [1, 2, 3], min: [3, 6, 6], low: [7, 10, 10] })
})

test('a clock that was set back does not bend the line back', () => {
  const series = new ConnectionSeries()
  series.add(source(1), 5_000)
  series.add(source(2), 1_000)
  expect(series.columns(0, 6_000).at).toEqual([5, 5, 6])
})

test('it does not grow for ever: the oldest go first', () => {
  const series = new ConnectionSeries()
  for (let index = 0; index < 20_000; index += 1) series.add(source(index % 2), index * 1_000)
  const { at } = series.columns(0, 20_000_000)
  expect(at.length).toBeLessThanOrEqual(4_001)
  expect(at.at(-1)).toBe(20_000)
})

test('the picture says the same in words, and tells what held at an instant', () => {
  const series = new ConnectionSeries()
  series.add(source(2), 0)
  series.add(source(7), 10_000)
  const columns = series.columns(0, 60_000)
  expect(inWords(columns, 60_000)).toBe('Connections over the last 1 min: now 7, fewest 2, most 7; the pool wants 7 to 10.')
  expect(reading(columns, 9.9)).toContain('2 connections, wanted 7 to 10')
})
