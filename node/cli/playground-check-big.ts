/** The facts about a thousand pools: the page stays usable, and its figures are those of the terminal. */
import type { Page } from 'playwright-core'
import { eventually, expectThat, pause, seconds } from './demo-facts.ts'
import type { PlaygroundCheck } from './playground-check-context.ts'
import { simulate } from './playground-sim.ts'
import { PlaygroundVisitor } from './playground-visitor.ts'

const bigWorld = 'pools=1000&churn=10&liars=2'
/** Until then it fills; afterwards it lives. */
const runS = 31
const withinMs = 300_000
/** What a person waits for a control to answer, ms. */
const answersWithinMs = 1_000
const watchMs = 5_000
/**
 * The page's own thread never works longer in one go, ms of processor time. It draws ten pictures a second. By a clock on the wall the same
 * turn is as long as other programs want the cores.
 */
const longestTurnMs = 100

export async function checkBigWorld({ facts, browser, shutdown, url }: PlaygroundCheck): Promise<void> {
  const visitor = await PlaygroundVisitor.open(browser, `${url}#${bigWorld}`)
  await visitor.setSpeed(0)
  await facts.holds(
    'while 1,000 pools fill their bands, the page pauses within a second and its own thread stays free',
    async () => {
      await eventually(async () => (await visitor.text('clock')) !== '0 s' || undefined, { withinMs, expected: 'time to pass' })
      const { worked, took } = await longestTurns(visitor.page, watchMs)
      const rate = await visitor.text('rate')
      const pausedMs = await visitor.pause()
      expectThat(pausedMs <= answersWithinMs, { expected: `a pause within ${inSeconds(answersWithinMs)}`, seen: inSeconds(pausedMs) })
      expectThat(worked <= longestTurnMs, { expected: `no turn over ${longestTurnMs} ms of work`, seen: { worked, took } })
      return `paused after ${inSeconds(pausedMs)}, longest turn ${worked.toFixed(0)} ms of work (${took.toFixed(0)} ms on the wall), ${rate}`
    },
    { withinMs }
  )
  await facts.holds(
    `${runS} s of 1,000 pools have the figures of npm run sim`,
    async () => {
      await visitor.setSpeed(0)
      const run = await visitor.runTo(runS, withinMs)
      const { differences, tookS } = await simulate(run, shutdown.signal)
      expectThat(differences.length === 0, { expected: 'the same figures', seen: differences })
      return `${run.seconds} s, ${await visitor.text('minimum')} have their minimum, event log ${run.hash}; the terminal took ${tookS} s`
    },
    { withinMs: 2 * withinMs }
  )
  await facts.holds('another world takes the place of 1,000 pools at once', async () => {
    await visitor.setSpeed(0)
    await pause(500)
    const from = performance.now()
    await visitor.slide('pools', 50)
    await eventually(async () => (await visitor.text('minimum')) === '47 of 47' || undefined, { expected: '50 pools with their minimum' })
    return inSeconds(performance.now() - from)
  })
  await visitor.close()
  const small = await PlaygroundVisitor.open(browser, `${url}#pools=200`)
  await facts.holds('200 pools run, and the page says how fast', async () => {
    await small.setSpeed(0)
    const from = performance.now()
    await small.runTo(30)
    const filling = (30_000 / (performance.now() - from)).toFixed(0)
    await small.setSpeed(0)
    const before = await small.seconds()
    const again = performance.now()
    const after = await small.runTo(before + 120)
    const times = ((after.seconds - before) * 1_000) / (performance.now() - again)
    return `in the first 30 s ${filling} times real time, afterwards ${times.toFixed(0)} times`
  })
  await small.close()
}

interface Turns {
  /** Of the longest turn, processor time, ms. Only Chromium tells it; elsewhere it is `took`. */
  readonly worked: number
  /** Of the longest turn, by the clock on the wall, ms. */
  readonly took: number
}

async function longestTurns(page: Page, forMs: number): Promise<Turns> {
  const browser = page.context().browser()
  if (browser?.browserType().name() !== 'chromium') {
    const took = await page.evaluate(longestGap, forMs)
    return { worked: took, took }
  }
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
  const took = await page.evaluate(longestGap, forMs)
  const { traceEvents }: { traceEvents: readonly TraceEvent[] } = JSON.parse((await browser.stopTracing()).toString())
  // Other pages are processes of their own, and stand still.
  const mains = new Set(traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain').map(threadOf))
  const turns = traceEvents.filter((event) => event.tdur !== undefined && mains.has(threadOf(event)))
  expectThat(turns.length > 0, { expected: 'turns of the page in the trace', seen: traceEvents.length })
  return { worked: turns.reduce((most, { tdur = 0 }) => Math.max(most, tdur / 1_000), 0), took }
}

/** What Chromium traces. */
interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  /** Processor time, µs. */
  readonly tdur?: number
  readonly args?: { readonly name?: unknown }
}

function threadOf({ pid, tid }: TraceEvent): string {
  return `${pid} ${tid}`
}

/** Runs in the page: the longest time between two turns of its event loop. */
async function longestGap(forMs: number): Promise<number> {
  const until = performance.now() + forMs
  const { port1, port2 } = new MessageChannel()
  let longest = 0
  let last = performance.now()
  await new Promise<void>((resolve) => {
    port1.onmessage = () => {
      const now = performance.now()
      longest = Math.max(longest, now - last)
      last = now
      if (now >= until) resolve()
      else setTimeout(() => port2.postMessage(undefined), 5)
    }
    port2.postMessage(undefined)
  })
  port1.close()
  return longest
}

function inSeconds(ms: number): string {
  return `${seconds(ms)} s`
}
