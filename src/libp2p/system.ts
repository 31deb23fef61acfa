/**
 * The real clock and the real dice: the core's `Clock` and `Random` on what Node and browsers have in common. The service
 * gives them to the pool; tests have their own.
 */
import type { Clock, Random } from '../core/values/ports.ts'

/** `setTimeout`'s own limit; a longer delay fires at once. */
const maxTimeoutMs = 2_147_483_647

/** Calls in a later turn of the event loop; returns the cancellation. */
type Soon = (fn: () => void) => () => void

/**
 * Not by a timer where there is another way: browsers hold timers back, by 4 ms where one follows another, and in a hidden page by a
 * second or a minute. A page that reads a long message in turns would stand still.
 */
const soon: Soon =
  typeof setImmediate === 'function'
    ? (fn) => {
        const next = setImmediate(fn)
        return () => clearImmediate(next)
      }
    : soonByMessage()

/** Each message to ourselves is a turn of its own, and calls the next that waits. */
function soonByMessage(): Soon {
  const { port1, port2 } = new MessageChannel()
  const waiting: { fn: (() => void) | undefined }[] = []
  port1.onmessage = () => waiting.shift()?.fn?.()
  return (fn) => {
    const entry: (typeof waiting)[number] = { fn }
    waiting.push(entry)
    port2.postMessage(undefined)
    return () => {
      entry.fn = undefined
    }
  }
}

/** `performance.now()` for durations: it never jumps, though some systems stop it while they sleep. */
export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  schedule(delayMs, fn) {
    if (delayMs <= 0) return soon(fn)
    // A timer may fire up to a millisecond early, and a frozen page fires it late: the clock decides, not the timer.
    const due = performance.now() + delayMs
    let timer: ReturnType<typeof setTimeout>
    const wait = (): void => {
      const left = due - performance.now()
      timer = setTimeout(() => (due <= performance.now() ? fn() : wait()), Math.min(Math.ceil(Math.max(0, left)), maxTimeoutMs))
    }
    wait()
    return () => clearTimeout(timer)
  }
}

/** Unpredictable: the instance id and the order of dials are made of it. */
export const systemRandom: Random = {
  next() {
    const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2))
    return ((high >>> 5) * 67_108_864 + (low >>> 6)) / 9_007_199_254_740_992
  },
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length))
}
