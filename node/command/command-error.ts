/** What goes wrong in the command and on its socket, beside the errors of the pool: a code for programs, a sentence for people. */
import { PoolError } from '../../src/core/values/reason.ts'

export type CommandErrorCode =
  | 'usage' // the command line makes no sense
  | 'not-running' // nobody answers on the socket
  | 'held' // another peer holds the data folder
  | 'no-answer' // the deadline passed
  | 'busy' // too many programs or requests at once
  | 'invalid-request' // a line on the socket that is no request of this version
  | 'invalid-answer' // what came back is none of a peer of this version
  | 'unknown-verb'
  | 'too-large' // a line exceeds its cap
  | 'failed'

export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly code: string

  /** `code` is a `CommandErrorCode`, or what the peer at the other end of the socket named. */
  constructor(code: CommandErrorCode | (string & {}), message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** An error as it travels on the socket and is shown by `--json`. */
export interface PlainError {
  readonly code: string
  readonly message: string
}

export function plainError(error: unknown): PlainError {
  if (error instanceof CommandError || error instanceof PoolError) return { code: error.code, message: error.message }
  return { code: 'failed', message: error instanceof Error ? error.message : String(error) }
}
