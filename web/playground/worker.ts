/** Runs one world, second by second of its time, as fast as the page asks for, and sends pictures of it. */
import type { Look, Story } from '../../test/sim/playground-figures.ts'
import { PlaygroundWorld } from '../../test/sim/playground-world.ts'
import { readWorld } from '../../test/sim/world-settings.ts'
import { conditions, type FromWorker, type Pace, type ToWorker } from './messages.ts'

/** So many pictures look smooth, and leave the page and this worker most of their time. */
const frameEveryMs = 100
/** Pictures within a second that takes longer. */
const slowFrameEveryMs = 300
/** Behind by more than this, a slow machine does not catch up: it goes on from where it is. */
const maxBehindMs = 500
const rateOverMs = 1_000

interface Run {
  readonly run: number
  readonly world: PlaygroundWorld
  pace: Pace
  framedAt: number
  /** Not sent yet. */
  looks: Look[]
  /** Of the last whole second. */
  story: Story
  /** How fast time passes, measured from `at` on. */
  rate: { at: number; nowMs: number; times: number }
}

// Most dials fail, as they do in a full network, and each makes errors whose stack nobody reads.
Object.assign(Error, { stackTraceLimit: 0 })

let run: Run | undefined
let wake: () => void = () => undefined

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === 'start') start(data)
  else if (data.kind === 'act') run?.world.act(data.act)
  else if (run !== undefined) run.pace = data.pace
  wake()
})

function send(message: FromWorker, moved: Transferable[] = []): void {
  postMessage(message, { transfer: moved })
}

function start({ run: number, world: text, pace }: ToWorker & { kind: 'start' }): void {
  try {
    const world = new PlaygroundWorld(readWorld(text))
    const rate = { at: performance.now(), nowMs: 0, times: 0 }
    run = { run: number, world, pace, framedAt: Number.NEGATIVE_INFINITY, looks: [], story: world.story, rate }
    send({ kind: 'world', run: number, places: new Float32Array(world.places), kinds: world.marks })
    void live(run)
  } catch (error) {
    run = undefined
    send({ kind: 'failed', message: String(error) })
  }
}

/** Until another world takes its place. */
async function live(mine: Run): Promise<void> {
  const { world } = mine
  let due = performance.now()
  try {
    while (await goesOn(mine)) {
      await world.step(async () => {
        if (performance.now() - mine.framedAt >= slowFrameEveryMs) sendFrame(mine)
        return goesOn(mine)
      })
      if (run !== mine) return
      mine.looks.push(world.look())
      mine.story = world.story
      const now = performance.now()
      if (now - mine.framedAt >= frameEveryMs || world.second === mine.pace.untilS) sendFrame(mine)
      const { speed, untilS } = mine.pace
      due = Math.max(due + (speed === 0 || world.second < untilS ? 0 : 1_000 / speed), now - maxBehindMs)
      await pause(due - now)
    }
  } catch (error) {
    if (run === mine) send({ kind: 'failed', message: String(error) })
  }
}

/** False once another world has taken its place. Waits as long as it is paused. */
async function goesOn(mine: Run): Promise<boolean> {
  if (run === mine && mine.pace.isPaused) {
    while (run === mine && mine.pace.isPaused) {
      // What is asked for meanwhile is part of the world at once.
      sendFrame(mine)
      await pause(Number.POSITIVE_INFINITY)
    }
    mine.rate = { at: performance.now(), nowMs: mine.world.sim.clock.now(), times: 0 }
  }
  return run === mine
}

/** A turn for messages at least; they end a longer pause. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(resolve, Math.max(0, ms))
    wake = () => {
      clearTimeout(timer)
      resolve()
    }
  })
}

function sendFrame(mine: Run): void {
  const { run: number, world, looks, story, rate } = mine
  const { isPaused } = mine.pace
  const now = performance.now()
  const nowMs = world.sim.clock.now()
  if (now - rate.at >= rateOverMs) mine.rate = { at: now, nowMs, times: (nowMs - rate.nowMs) / (now - rate.at) }
  mine.framedAt = now
  mine.looks = []
  const shown = new Uint8Array(world.marks.length).fill(conditions.liar)
  for (const { index, pool, active } of world.sim.machines)
    shown[index] = pool === undefined ? conditions.off : active < world.settings.min ? conditions.low : conditions.ok
  const links = world.links()
  const { times } = mine.rate
  const { settings, sides } = world
  send({ kind: 'frame', run: number, settings, nowS: nowMs / 1_000, looks, story, isPaused, conditions: shown, links, sides, times }, [
    shown.buffer,
    links.buffer
  ])
}
