/**
 * What the verbs of the command have in common: their options, the connection to the running peer, and how they answer. Used by
 * `program.ts`, and by the files that declare the verbs.
 */
import { type Command, InvalidArgumentError } from 'commander'
import { ControlClient } from './control-client.ts'
import { controlVersion } from './control-lines.ts'
import { readControlAddress } from './control-port.ts'
import { defaultDataFolder } from './data-folder.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import type { Terminal } from './terminal.ts'
import { type Output, safeJson } from './text-output.ts'

/** What runs around the command: a process, or a test. */
export interface Surroundings {
  readonly out: Output
  /** A signal that ends `node` and `events`. */
  untilEnded(): AbortSignal
  /** For `top`; none where input or output is no terminal. */
  readonly terminal: Terminal | undefined
}

/** One call of a verb on a running peer. */
export interface Session extends Surroundings {
  readonly client: ControlClient
  readonly json: boolean
  /** Says the result: with `--json` the value, with the version in it, else the text. */
  say(value: object, text: () => string): void
}

interface AskingOptions {
  readonly data?: string
  readonly json?: boolean
  readonly control?: string
  readonly timeout: number
}

/** Sets how the process ends. */
export type Ends = (status: ExitStatus) => void

/** The whole of what a verb's file needs to declare verbs. */
export interface Verbs {
  /** Declares a verb that asks the running peer; `usage` is its name and arguments. */
  add(usage: string, summary: string): Command
  /** For `action`: connects, runs, closes. `Args` are the arguments of the verb and its options. */
  asking<Args extends readonly unknown[]>(
    run: (session: Session, ...args: Args) => Promise<ExitStatus> | Promise<void>
  ): (...given: unknown[]) => Promise<void>
}

const defaultTimeoutS = 30

export function verbsOf(program: Command, surroundings: Surroundings, ends: Ends): Verbs {
  const { out } = surroundings
  return {
    add: (usage, summary) =>
      program
        .command(usage)
        .description(summary)
        .option('--data <folder>', 'the data folder of the peer (default: $P2P_POOL_DATA or ~/.p2p-pool)')
        .option('--control <[host:]port>', 'ask over TCP, as the peer was started; the token is in its data folder')
        .option('--json', 'answer in JSON')
        .option('--timeout <seconds>', 'give up after so long', readSeconds, defaultTimeoutS),
    asking<Args extends readonly unknown[]>(run: (session: Session, ...args: Args) => Promise<ExitStatus> | Promise<void>) {
      return async (...given: unknown[]) => {
        // The last one is the command itself, the one before its options.
        const args = given.slice(0, -1)
        const { data = defaultDataFolder(), control, json = false, timeout } = args.at(-1) as AskingOptions
        const port = control === undefined ? undefined : readControlAddress(control)
        const client = await ControlClient.connect(data, { timeoutMs: timeout * 1_000, port })
        const say: Session['say'] = (value, text) => out.write(json ? `${jsonOf(value)}\n` : text())
        try {
          const status = await run({ ...surroundings, client, json, say }, ...(args as unknown as Args))
          ends(typeof status === 'number' ? status : exitStatus.done)
        } finally {
          client.close()
        }
      }
    }
  }
}

/** What `--json` prints. */
export function jsonOf(value: object): string {
  return safeJson({ version: controlVersion, ...value })
}

function readSeconds(text: string): number {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (seconds > 0) return seconds
  throw new InvalidArgumentError('expected a whole number of seconds from 1 on')
}
