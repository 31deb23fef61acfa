/** What goes through an introducer in a page when eight others send through it whatever it lets through, and how busy that keeps the page. */
import type { PeerId } from '../../node/index.ts'
import type { LongBrowser, Tab } from './browser.ts'
import { type Finding, pause, seconds } from './finding.ts'
import type { LongPage } from './long-page.ts'
import type { RawVisit } from './raw-introductions.ts'

declare const long: LongPage

/** Each asks for introductions to the others, and is one that others are introduced to. */
const strangers = 8
const maxBytes = 65_536
const maxAtOnce = 4
const longestMs = 30_000
/** On a busy machine. */
const lateMs = 3_000
export const maxTurnMs = 16
/** Of one that sends as fast as a timer fires, and of one that sends all that time without reaching 64 KiB, ms between two KiB. */
const paces = { fast: 4, slow: 1_000 }
/** For the fast ones, ms. */
const burstMs = 5_000
const pauseMs = 250

/** `init`: of ordinary pages, with a relay over which they meet. */
export async function introducerLimits(browser: LongBrowser, init: object, say: (line: string) => void): Promise<readonly Finding[]> {
  const open = async (more: object): Promise<{ tab: Tab; peerId: PeerId }> => {
    const tab = await browser.open()
    const peerId = await tab.page.evaluate((options) => long.start(options as never), { ...init, ...more })
    return { tab, peerId }
  }
  const [introducer, ...others] = await Promise.all([
    open({ introductions: true }),
    ...Array.from({ length: strangers }, () => open({ introductions: false }))
  ])
  if (introducer === undefined) throw new Error('no page')
  const point = await introducer.tab.page.evaluate(() => long.ownPoint())
  for (const { tab } of others) {
    await tab.page.evaluate((to) => long.connect(to), point)
    const answer = await tab.page.evaluate((to) => long.speakRaw(to), introducer.peerId)
    if (answer !== 'ok') throw new Error(`the page takes no guest: ${answer}`)
  }
  const watch = (during: () => Promise<unknown>): Promise<readonly number[]> => browser.tasksOf(introducer.tab, during)
  const visitAll = async (everyMs: number): Promise<readonly RawVisit[]> => {
    const all = others.map(({ tab, peerId }) => {
      const guests = others.map((other) => other.peerId).filter((other) => other !== peerId)
      return tab.page.evaluate((given) => long.visitAll(...given), [introducer.peerId, guests, everyMs] as const)
    })
    return (await Promise.all(all)).flat()
  }

  const quiet = await watch(() => pause(burstMs))
  say(`a page that introduces nobody: ${words(quiet)}`)
  // The slow ones first, while each asker's allowance is whole.
  let slow: readonly RawVisit[] = []
  const slowTasks = await watch(async () => {
    slow = await visitAll(paces.slow)
  })
  const taken = slow.filter(({ answer }) => answer === 'ok')
  say(`${taken.length} of ${slow.length} requests at the same time were taken; ${words(slowTasks)}`)
  let fast = 0
  const fastTasks = await watch(async () => {
    for (const until = performance.now() + burstMs; performance.now() < until; await pause(pauseMs))
      fast += (await visitAll(paces.fast)).filter(({ answer }) => answer === 'ok').length
  })
  const visits = (await Promise.all(others.map(({ tab }) => tab.page.evaluate(() => long.visits())))).flat()
  say(`${fast} introductions as fast as they go; ${words(fastTasks)}`)
  await Promise.all([introducer, ...others].map(({ tab }) => tab.end('closed')))
  const most = Math.max(...visits)
  const longest = Math.max(...taken.map(({ lastedMs }) => lastedMs))
  return [
    {
      what: 'bytes through one introduction of a page',
      measured: `${most} at most, of ${visits.length}`,
      target: `${maxBytes}`,
      holds: most > 0 && most <= maxBytes
    },
    {
      what: 'introductions of a page at once, and the longest',
      measured: `${taken.length}, ${seconds(longest)}`,
      target: `${maxAtOnce}, ${seconds(longestMs)}`,
      holds: taken.length === maxAtOnce && longest <= longestMs + lateMs
    },
    {
      what: 'turns of a page that introduces at its limit, processor time, 99th percentile',
      measured: `${words(slowTasks)} while they are slow; ${words(fastTasks)} while they are fast`,
      target: `${maxTurnMs} ms`,
      holds: [slowTasks, fastTasks].every((tasks) => tasks.length > 0 && percentile(tasks) < maxTurnMs)
    }
  ]
}

export function percentile(turns: readonly number[]): number {
  return turns.toSorted((a, b) => a - b).at(Math.floor(0.99 * turns.length)) ?? Number.NaN
}

function words(tasks: readonly number[]): string {
  const long = tasks.filter((ms) => ms >= maxTurnMs).length
  return `${percentile(tasks).toFixed(1)} ms, ${Math.max(...tasks).toFixed(0)} ms at worst, ${long} of ${tasks.length} over ${maxTurnMs} ms`
}
