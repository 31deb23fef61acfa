/** The lists of what is known, with as many points as a pool keeps. */
import { beforeEach, expect, test } from 'vitest'
import type { PoolSnapshot } from '../../../src/core/index.ts'
import { type KnownPart, knownPart } from '../../../web/demo/known.ts'
import { Notices } from '../../../web/demo/notices.ts'
import type { Page } from '../../../web/demo/page.ts'
import { TrafficRates } from '../../../web/demo/rates.ts'
import type { SharedPool } from '../../../web/index.ts'
import { snapshotOf, stagePage, start } from './stage.ts'

/** A frame of 60 per second, ms. */
const frameMs = 16
const cast = { connections: 10, points: 400 }

let snapshot: PoolSnapshot
let part: KnownPart
let now: number

beforeEach(async () => {
  await stagePage()
  snapshot = snapshotOf(cast)
  now = start
  const pool = { explain: async () => ({ text: 'the last try failed; it may be tried again in 12 s' }) }
  const page: Page = {
    pool: pool as unknown as SharedPool,
    notices: new Notices(document.createElement('div')),
    names: { version: 0, of: () => undefined, nameOf: (peerId) => peerId, show: () => undefined },
    rates: new TrafficRates(),
    ...{ writeTo: () => undefined, openPeer: () => undefined, leaveAlone: () => undefined, showPoint: () => undefined }
  }
  part = knownPart(page, () => draw())
  draw()
})

function draw(): void {
  part.show({ snapshot, now })
}

const rows = () => [...document.querySelectorAll<HTMLElement>('[data-testid="point-row"]')]
const press = (id: string) => document.getElementById(id)?.click()

function choose(id: string, value: string): void {
  const choice = document.getElementById(id)
  if (!(choice instanceof HTMLSelectElement)) throw new Error(`no choice ${id}`)
  choice.value = value
  choice.dispatchEvent(new Event('change'))
}

test('400 points: some at first, more on request, all if wanted', () => {
  expect(rows()).toHaveLength(12)
  press('more-points')
  expect(rows()).toHaveLength(24)
  press('all-points')
  expect(rows()).toHaveLength(400)
})

test('400 rows: what is the same is not touched, and of one change only its row is', () => {
  press('all-points')
  const changes = new MutationObserver(() => undefined)
  changes.observe(document.getElementById('panel-points') ?? document.body, {
    ...{ childList: true, subtree: true, characterData: true, attributes: true }
  })
  draw()
  expect(changes.takeRecords()).toEqual([])
  const changed = snapshot.points.find(({ backoffForMs }) => backoffForMs > 0)
  snapshot = {
    ...snapshot,
    points: snapshot.points.map((info) => (info === changed ? { ...info, failures: info.failures + 1 } : { ...info }))
  }
  draw()
  const touched = new Set(changes.takeRecords().map(({ target }) => (target instanceof Element ? target.closest('[data-point]') : null)))
  changes.disconnect()
  expect([...touched].map((row) => row?.getAttribute('data-point'))).toEqual([changed?.point])
})

test('400 rows are drawn again within a frame, a second later', () => {
  press('all-points')
  const times = Array.from({ length: 40 }, () => {
    now += 1_000
    snapshot = { ...snapshot, version: snapshot.version + 1, points: snapshot.points.map((info) => ({ ...info })) }
    const from = performance.now()
    draw()
    return performance.now() - from
  }).sort((a, b) => a - b)
  // The median, since this machine may be busy with other things.
  expect(times[20]).toBeLessThan(frameMs)
})

test('the filter looks for conditions and texts, and says when nothing matches', () => {
  choose('only-points', 'connected')
  expect(rows()).toHaveLength(10)
  part.showPoint(snapshot.points[300]?.point ?? snapshot.points[0]?.point ?? raise())
  expect(rows().map((row) => row.getAttribute('data-point'))).toEqual([snapshot.points[300]?.point])
  const filter = document.getElementById('filter-points') as HTMLInputElement
  filter.value = 'nobody has this'
  filter.dispatchEvent(new Event('input'))
  expect(rows()).toEqual([])
  expect(document.getElementById('points-empty')?.textContent).toBe('None of 400 points matches.')
})

test('sorted by what is asked for', () => {
  const failures = () => rows().map((row) => snapshot.points.find(({ point }) => point === row.getAttribute('data-point'))?.failures ?? 0)
  choose('sort-points', 'failures')
  expect(failures()).toEqual([...failures()].sort((a, b) => b - a))
  expect(failures()[0]).toBeGreaterThan(0)
  choose('sort-points', 'next')
  expect(rows()[0]?.dataset.condition).toBe('waiting')
})

test('an opened row says why it is not connected and when it is tried next; a closed one holds no details', async () => {
  const [row] = rows()
  expect(row?.querySelector('.why')).toBeNull()
  row?.querySelector<HTMLElement>('[data-action="details"]')?.click()
  await Promise.resolve()
  expect(row?.querySelector('.why')?.textContent).toBe('The last try failed; it may be tried again in 12 s.')
})

function raise(): never {
  throw new Error('the snapshot has no points')
}
