/** Runs one world, second by second of its time, as fast as the page asks for, and sends pictures of it. */
import { PlaygroundWorld } from '../../test/sim/playground-world.ts'
import { readWorld, writeWorld } from '../../test/sim/world-settings.ts'
import { conditions, type FromWorker, type ToWorker } from './messages.ts'

/** A picture takes the page a few ms: so many a second look smooth and leave it idle. */
const frameEveryMs = 100
/** Behind by more than this, a slow machine does not catch up: it goes on from where it is. */
const maxBehindMs = 500

interface Run {
  readonly run: number
  readonly world: PlaygroundWorld
  speed: number
  isPaused: boolean
}

let run: Run | undefined
let wake: () => void = () => undefined

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === 'start') start(data)
  else if (data.kind === 'act') run?.world.act(data.act)
  else if (run !== undefined) Object.assign(run, { speed: data.speed, isPaused: data.isPaused })
  wake()
})

function send(message: FromWorker, moved: Transferable[] = []): void {
  postMessage(message, { transfer: moved })
}

function start({ run: number, world: text, speed, isPaused }: ToWorker & { kind: 'start' }): void {
  try {
    const world = new PlaygroundWorld(readWorld(text))
    run = { run: number, world, speed, isPaused }
    send({ kind: 'world', run: number, places: new Float32Array(world.places), kinds: world.kinds })
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
  let framed = Number.NEGATIVE_INFINITY
  let looks: ReturnType<PlaygroundWorld['look']>[] = []
  let rate = { at: performance.now(), second: world.second, times: 0 }
  try {
    while (run === mine) {
      if (mine.isPaused) {
        await pause(Number.POSITIVE_INFINITY)
        due = performance.now()
        rate = { at: due, second: world.second, times: 0 }
        continue
      }
      await world.step()
      looks.push(world.look())
      const now = performance.now()
      if (now - rate.at >= 1_000) rate = { at: now, second: world.second, times: ((world.second - rate.second) * 1_000) / (now - rate.at) }
      if (now - framed >= frameEveryMs) {
        framed = now
        sendFrame(mine, { looks, times: rate.times })
        looks = []
      }
      due = Math.max(due + (mine.speed === 0 ? 0 : 1_000 / mine.speed), now - maxBehindMs)
      await pause(due - now)
    }
  } catch (error) {
    if (run === mine) send({ kind: 'failed', message: String(error) })
  }
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

function sendFrame({ run: number, world }: Run, { looks, times }: { looks: ReturnType<PlaygroundWorld['look']>[]; times: number }): void {
  const shown = new Uint8Array(world.kinds.length)
  for (const { index, pool, active } of world.sim.machines)
    shown[index] = pool === undefined ? conditions.off : active < world.settings.min ? conditions.low : conditions.ok
  const links = world.links()
  send({ kind: 'frame', run: number, world: writeWorld(world.settings), looks, story: world.story, conditions: shown, links, times }, [
    shown.buffer,
    links.buffer
  ])
}
