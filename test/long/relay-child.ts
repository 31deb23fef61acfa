/** A relay that can be killed. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export class RelayChild {
  readonly #child: ChildProcess
  readonly point: string

  static async start(network: string): Promise<RelayChild> {
    const child = fork(fileURLToPath(new URL('relay-process.ts', import.meta.url)), [network], { execArgv: [] })
    const [point] = (await once(child, 'message')) as [string]
    return new RelayChild(child, point)
  }

  private constructor(child: ChildProcess, point: string) {
    this.#child = child
    this.point = point
  }

  /** At once, without a goodbye. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
