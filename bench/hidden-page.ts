/** Row: timers of ours that fire in a page which nobody sees and whose band is full. libp2p's own timers do not count. */
import { connectionsOf, PageWorld, reached } from './page-world.ts'
import type { Row } from './row.ts'
import { pause } from './timing.ts'

/** So long it is seen first: the timers of then show that ours are told from libp2p's. */
const seenMs = 5_000
/** Until the page has given up what a hidden page does not need, and what went on has ended. */
const settleMs = 45_000
const watchedMs = 60_000

interface Fired {
  readonly delayMs: number
  /** Of the code that set the timer, the innermost first. */
  readonly stack: readonly string[]
}

declare const firedTimers: Fired[]

export async function hiddenPage(): Promise<Row[]> {
  const world = await PageWorld.make({ isSplit: true })
  const browser = await world.launch()
  const tab = await browser.open(world.blank)
  await tab.send('Page.enable')
  await tab.send('Page.addScriptToEvaluateOnNewDocument', { source: `(${watchTimers})()` })
  await tab.leaveFor(world.urlOf('ours'))
  await reached(tab, 3)
  await pause(seenMs)
  const whileSeen = oursOf(await tab.evaluate(() => firedTimers)).length
  if (whileSeen === 0) throw new Error('the page that is seen has timers of ours, and none was noticed')
  await tab.hide()
  await pause(settleMs)
  await tab.evaluate(() => void firedTimers.splice(0))
  await pause(watchedMs)
  const fired = await tab.evaluate(() => firedTimers)
  const kept = await connectionsOf(tab)
  await world.end()
  const ours = oursOf(fired)
  for (const { delayMs, stack } of ours) console.error(`a timer of ${delayMs} ms: ${stack.join(' < ')}`)
  return [
    {
      figure: `timers of ours that fire in a minute of a hidden page whose band is full (${kept} connections)`,
      against: "libp2p's own in that page",
      baseline: String(fired.length - ours.length),
      ours: String(ours.length),
      measured: String(ours.length),
      spread: '–',
      bar: 'none',
      met: ours.length === 0
    }
  ]
}

/** Set by code that is not libp2p's. */
function oursOf(fired: readonly Fired[]): Fired[] {
  return fired.filter(({ stack: [caller = ''] }) => !caller.includes('vendor'))
}

/** In the page, before any other code. */
function watchTimers(): void {
  const fired: Fired[] = []
  Object.assign(globalThis, { firedTimers: fired })
  for (const name of ['setTimeout', 'setInterval'] as const) {
    const set = globalThis[name].bind(globalThis) as (callback: () => void, delayMs?: number) => number
    const watched = (callback: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]): number => {
      const stack = (new Error().stack ?? '').split('\n').slice(2, 7)
      return set(() => {
        fired.push({ delayMs, stack: stack.map((line) => line.trim()) })
        callback(...args)
      }, delayMs)
    }
    Object.assign(globalThis, { [name]: watched })
  }
}
