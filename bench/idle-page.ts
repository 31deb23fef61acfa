/** Row: what an idle page costs that somebody looks at, with five connections; with a pool and bare, in two Chromiums in the same minutes. */
import type { Chromium, Tab } from '../node/cli/chromium-windows.ts'
import { connections, connectionsOf, type PageKind, PageWorld, reached } from './page-world.ts'
import { processorMsOf } from './processor-time.ts'
import { duration, type Row, ratioRow } from './row.ts'
import { pause } from './timing.ts'

const settleMs = 15_000
const minuteMs = 60_000
const rounds = 3
const kinds = ['bare', 'ours'] as const

export async function idlePage(): Promise<Row[]> {
  const world = await PageWorld.make()
  const open = async (kind: PageKind): Promise<{ browser: Chromium; tab: Tab }> => {
    const browser = await world.launch()
    const tab = await browser.open(world.urlOf(kind))
    await reached(tab, connections)
    return { browser, tab }
  }
  const pages = { bare: await open('bare'), ours: await open('ours') }
  const spent: Record<PageKind, number[]> = { bare: [], ours: [] }
  await pause(settleMs)
  for (let round = 0; round < rounds; round++) {
    const before = await Promise.all(kinds.map((kind) => pagesMsOf(pages[kind].browser)))
    await pause(minuteMs)
    const after = await Promise.all(kinds.map((kind) => pagesMsOf(pages[kind].browser)))
    for (const [i, kind] of kinds.entries()) spent[kind].push((after[i] ?? Number.NaN) - (before[i] ?? Number.NaN))
  }
  const counts = await Promise.all(kinds.map((kind) => connectionsOf(pages[kind].tab)))
  await world.end()
  if (counts.some((count) => count !== connections)) throw new Error(`the pages have ${counts.join(' and ')} connections`)
  const labels = {
    figure: 'a minute of an idle page that is seen, five connections: processor time',
    against: 'the same page with bare libp2p, five connections'
  }
  return [ratioRow(labels, { baseline: spent.bare, ours: spent.ours }, { ratio: 1.2, show: duration })]
}

/** Of the processes of pages and of the network, so far. */
async function pagesMsOf(browser: Chromium): Promise<number> {
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo')
  let sum = 0
  for (const { type, id, cpuTime } of processInfo as readonly { type: string; id: number; cpuTime: number }[])
    if (type === 'renderer' || type === 'utility') sum += await processorMsOf(id, cpuTime * 1_000)
  return sum
}
