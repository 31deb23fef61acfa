/** Processes of nodes for the rows that measure each side by itself. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer, Call, VerbName, Verbs } from './peer-process.ts'
import { processorMsOf } from './processor-time.ts'

export class PeerProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #calls = 0

  constructor() {
    this.#child = fork(fileURLToPath(new URL('peer-process.ts', import.meta.url)), [], { execArgv: ['--expose-gc'] })
    this.#child.on('message', (answer: Answer) => {
      this.#waiting.get(answer.id)?.(answer)
      this.#waiting.delete(answer.id)
    })
    this.#child.on('exit', (code) => {
      for (const [id, settle] of this.#waiting) settle({ id, error: `the process ended with code ${code}` })
      this.#waiting.clear()
    })
  }

  call<Name extends VerbName>(verb: Name, ...args: Parameters<Verbs[Name]>): Promise<Awaited<ReturnType<Verbs[Name]>>> {
    return new Promise((resolve, reject) => {
      const id = ++this.#calls
      this.#waiting.set(id, ({ value, error }) => {
        if (error === undefined) resolve(value as Awaited<ReturnType<Verbs[Name]>>)
        else reject(new Error(`${verb}: ${error}`))
      })
      this.#child.send({ id, verb, args } satisfies Call)
    })
  }

  /** Of this process so far. */
  processorMs(): Promise<number> {
    return processorMsOf(this.#child.pid ?? 0, Number.NaN)
  }

  end(): void {
    this.#child.disconnect()
  }
}
