/**
 * How long a turn of this process's event loop takes, and what the process costs. A turn counts for the smaller of the time that
 * passed and the processor time of its thread: other processes of the machine make turns late, not long.
 */

export interface Cost {
  readonly longestTurnMs: number
  /** Processor time of all threads beyond what the process takes when nothing happens, ms. */
  readonly processorMs: number
}

const tickMs = 5

export class TurnMeter {
  #longestMs = 0
  #timer: NodeJS.Timeout | undefined
  #began = { at: 0, cpuMs: 0 }
  /** Share of a processor that the process takes when nothing happens, this meter included. */
  #idleShare = 0

  /** Watches an idle process for so long; then `start`. */
  async calibrate(ms: number): Promise<void> {
    this.start()
    await new Promise((resolve) => setTimeout(resolve, ms))
    this.#idleShare = (cpuMs() - this.#began.cpuMs) / (performance.now() - this.#began.at)
  }

  start(): void {
    clearTimeout(this.#timer)
    this.#longestMs = 0
    this.#began = { at: performance.now(), cpuMs: cpuMs() }
    this.#tick(performance.now(), threadMs())
  }

  read(): Cost {
    const elapsed = performance.now() - this.#began.at
    return { longestTurnMs: this.#longestMs, processorMs: Math.max(0, cpuMs() - this.#began.cpuMs - elapsed * this.#idleShare) }
  }

  #tick(at: number, used: number): void {
    this.#timer = setTimeout(() => {
      const now = performance.now()
      const usedNow = threadMs()
      this.#longestMs = Math.max(this.#longestMs, Math.min(now - at - tickMs, usedNow - used))
      this.#tick(now, usedNow)
    }, tickMs)
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** Bytes that live after a collection: on the heap and beside it. */
export async function heldBytes(): Promise<number> {
  globalThis.gc?.()
  await new Promise((resolve) => setTimeout(resolve, 50))
  // Once more: what the first one finalizes is freed by the second. Read in the same turn, before anything new is made.
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
