/**
 * The facts about the demo at rest, in a demo of its own that nobody touches: one page that is seen and one that is hidden, watched for
 * a minute. Runs beside the other facts.
 */
import type { DemoBrowser, ThreadTimes } from './demo-browser.ts'
import { eventually, expectThat, type Facts, pause } from './demo-facts.ts'
import type { Demo } from './demo-start.ts'
import type { HidingBrowser } from './hiding-windows.ts'

/** A page that was opened is at rest by then, however busy the machine is. */
const restWithinMs = 90_000
/** A pool fills in about two seconds; then its first questions are answered. */
const fillMs = 10_000
/** Shares of one processor that the page's main thread may take: while its pool fills, and in a quiet minute. */
const maxBusy = { filling: 0.1, quiet: 0.02 }
/** Nothing has happened for so long. */
const stillMs = 5_000

export interface CalmOptions {
  readonly facts: Facts
  /** Of its own. */
  readonly demo: Demo
  readonly seen: DemoBrowser
  readonly hiding: HidingBrowser
  /** @default 60000 */
  readonly watchMs?: number
}

interface Rest {
  /** What happened since the page was watched: connections that came or went, dials. */
  readonly happened: readonly string[]
  /** Since the last of it, or since the start, ms. */
  readonly stillForMs: number
  readonly active: number
  readonly isInBand: boolean
  readonly visibility: string
}

export async function checkCalm({ facts, demo, seen, hiding, watchMs = 60_000 }: CalmOptions): Promise<void> {
  const tab = await seen.open('the page at rest', {}, demo.url)
  const times = await seen.threadTimes(tab)
  await tab.started()
  // Meanwhile the second page is opened: the two find each other in their first seconds, or much later.
  const filling = facts.holds(`the main thread of a page works less than ${100 * maxBusy.filling} % while its pool fills`, async () => {
    const before = await times()
    await pause(fillMs)
    return busyWords(before, await times(), { forMs: fillMs, most: maxBusy.filling })
  })
  const hidden = await hiding.open(demo.url)
  await eventually(() => hidden.evaluate(() => globalThis.p2pPool?.snapshot() !== undefined || undefined).catch(() => undefined), {
    withinMs: restWithinMs,
    expected: 'the page that will be hidden to run its pool'
  })
  await hidden.openBeside('about:blank')
  let busy = (): string => 'not measured'
  const rests = (): Promise<Rest[]> => Promise.all([tab.page.evaluate(restOf), hidden.evaluate(restOf)])
  await filling
  const isStill = async (): Promise<true | undefined> => {
    return (await rests()).every(({ stillForMs, isInBand }) => isInBand && stillForMs >= stillMs) || undefined
  }
  await facts.holds(
    'in a demo at rest a page that is seen and a hidden one come to rest in their bands',
    async () => {
      await Promise.all([tab.page.evaluate(watch), hidden.evaluate(watch)])
      await eventually(isStill, { withinMs: restWithinMs, expected: 'rest', seen: rests })
      const [one, two] = await rests()
      expectThat(one?.visibility === 'visible' && two?.visibility === 'hidden', { expected: 'one seen, one hidden', seen: [one, two] })
      return `${one?.active} and ${two?.active} connections`
    },
    { withinMs: 2 * restWithinMs }
  )
  await facts.holds(
    `they stay so for ${watchMs / 1_000} s: no peer comes or goes, none is dialed, nothing is on their consoles`,
    async () => {
      const before = await rests()
      const began = await times()
      await pause(watchMs)
      const ended = await times()
      const after = await rests()
      busy = () => busyWords(began, ended, { forMs: watchMs, most: maxBusy.quiet })
      const news = after.map(({ happened }, index) => happened.slice(before[index]?.happened.length ?? 0))
      expectThat(news.every((lines) => lines.length === 0) && after.every(({ isInBand }) => isInBand), {
        expected: 'nothing',
        seen: { news, after: after.map(({ active, isInBand }) => ({ active, isInBand })) }
      })
      const errors = [...tab.problems, ...tab.failedWebSockets, ...hiding.complaints, ...hiding.consoleErrors]
      expectThat(errors.length === 0, { expected: 'nothing on the consoles', seen: errors })
      const lines = await tab.page.getByTestId('event-row').count()
      return `${lines} lines in the log of the first since it was opened`
    },
    { withinMs: watchMs + restWithinMs }
  )
  await facts.holds(`the main thread of the page that is seen worked less than ${100 * maxBusy.quiet} % meanwhile`, async () => busy())
  await hidden.leave()
  await tab.page.context().close()
}

/** By processor time: how long tasks take says how busy the machine is, too, so it is said, not judged. */
function busyWords(
  before: ThreadTimes | undefined,
  after: ThreadTimes | undefined,
  { forMs, most }: { readonly forMs: number; readonly most: number }
): string {
  if (before === undefined || after === undefined) return 'this browser does not tell'
  const share = (name: 'thread' | 'tasks'): number => (1_000 * (after[name] - before[name])) / forMs
  const words = `${(100 * share('thread')).toFixed(1)} % of a processor; its tasks took ${(100 * share('tasks')).toFixed(1)} % of the time`
  expectThat(share('thread') < most, { expected: `less than ${100 * most} %`, seen: words })
  return words
}

/** Runs in the page. */
function watch(): void {
  const happened: string[] = []
  const seen = { happened, lastAt: Date.now() }
  const page = globalThis as { demoWatch?: { happened: string[]; lastAt: number } }
  page.demoWatch = seen
  for (const name of ['connection-opened', 'connection-closed', 'connection-lost', 'dial-started'] as const) {
    globalThis.p2pPool?.addEventListener(name, ({ detail }) => {
      seen.lastAt = Date.now()
      happened.push(`${name} ${'peerId' in detail ? detail.peerId : ''} ${detail.point}`.slice(0, 200))
    })
  }
}

/** Runs in the page. */
function restOf(): Rest {
  const { demoWatch } = globalThis as { demoWatch?: { happened: string[]; lastAt: number } }
  const snapshot = globalThis.p2pPool?.snapshot()
  if (demoWatch === undefined || snapshot === undefined) throw new Error('the page is not watched yet')
  const { active, bounds } = snapshot
  return {
    happened: demoWatch.happened,
    stillForMs: Date.now() - demoWatch.lastAt,
    active,
    isInBand: active >= bounds.minTarget && active <= bounds.maxTarget,
    visibility: document.visibilityState
  }
}
