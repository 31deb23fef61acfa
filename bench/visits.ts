/** Rows: a page that a visitor opens for the first time, and opens again, in a real Chromium; with a pool, and with bare libp2p and one dial. */
import type { Chromium, Tab } from '../node/cli/chromium-windows.ts'
import { firstMsOf, type PageKind, PageWorld } from './page-world.ts'
import { duration, type Row, ratioRow } from './row.ts'
import { pause } from './timing.ts'

const rounds = 15
const watchedMs = 3_000

interface Visit {
  /** ms from the navigation to the first connection that runs. */
  readonly firstMs: number
  /** The same when the page is loaded again. */
  readonly reloadMs: number
  /** Processor time of the main thread in the first three seconds, ms. */
  readonly mainMs: number
}

export async function visits(): Promise<Row[]> {
  const world = await PageWorld.make()
  const browser = await world.launch()
  const made: Record<PageKind, Visit[]> = { bare: [], ours: [] }
  for (let round = -1; round < rounds; round++) {
    for (const kind of ['bare', 'ours'] as const) {
      const visit = await visitOf(browser, { blank: world.blank, url: world.urlOf(kind) })
      if (round >= 0) made[kind].push(visit)
    }
  }
  await world.end()
  const of = (kind: PageKind, figure: keyof Visit): number[] => made[kind].map((visit) => visit[figure])
  const first = of('bare', 'firstMs')
  const against = 'the same page with bare libp2p and one dial'
  const show = duration
  const figure = 'a page, from the navigation to the first connection that runs'
  return [
    ratioRow({ figure: `${figure}: first visit`, against }, { baseline: first, ours: of('ours', 'firstMs') }, { ratio: 1.05, show }),
    ratioRow(
      { figure: `${figure}: reload, with saved peers`, against: 'the first visit of the bare page' },
      { baseline: first, ours: of('ours', 'reloadMs') },
      { ratio: 0.5, show }
    ),
    ratioRow(
      { figure: `${figure}: reload, with saved peers`, against: 'a reload of the bare page' },
      { baseline: of('bare', 'reloadMs'), ours: of('ours', 'reloadMs') },
      { show }
    ),
    ratioRow(
      {
        figure: 'main thread of a page in its first three seconds, five connections',
        against: 'the same page with bare libp2p, five connections'
      },
      { baseline: of('bare', 'mainMs'), ours: of('ours', 'mainMs') },
      { ratio: 1, show }
    )
  ]
}

/** By a new visitor, in a process that had shown another page of the site. */
async function visitOf(browser: Chromium, { blank, url }: { blank: string; url: string }): Promise<Visit> {
  const tab = await browser.open(blank)
  await tab.send('Performance.enable', { timeDomain: 'threadTicks' })
  const before = await mainMsOf(tab)
  await tab.leaveFor(url)
  // Nothing is asked of the page meanwhile: answers would take its time.
  await pause(watchedMs)
  const after = await mainMsOf(tab)
  const firstMs = await firstMsOf(tab)
  await tab.reload()
  await pause(watchedMs)
  const reloadMs = await firstMsOf(tab)
  await tab.leave()
  // In a new process it begins at 0.
  return { firstMs, reloadMs, mainMs: after < before ? after : after - before }
}

async function mainMsOf(tab: Tab): Promise<number> {
  const { metrics } = await tab.send('Performance.getMetrics')
  const found = (metrics as readonly { readonly name: string; readonly value: number }[]).find(({ name }) => name === 'TaskDuration')
  if (found === undefined) throw new Error('the browser has no TaskDuration')
  return found.value * 1_000
}
