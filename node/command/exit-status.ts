/** How the command `p2p-pool` ends: one list of exit statuses, for scripts. `docs/guide/operate.md` shows it to people. */

export const exitStatus = {
  /** Done; for `health`: the number of connections is in the band. */
  done: 0,
  /** The peer refused, or could not do it; for `health`: fewer connections than the minimum. */
  failed: 1,
  /** No peer runs on that data folder. */
  notRunning: 2,
  /** Another peer holds the data folder. */
  held: 3,
  /** The peer did not answer in time, or serves too many programs already. */
  noAnswer: 4,
  /** The command line or a setting makes no sense. */
  usage: 64
} as const

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus]

const statusByCode: Readonly<Record<string, ExitStatus>> = {
  'not-running': exitStatus.notRunning,
  held: exitStatus.held,
  'no-answer': exitStatus.noAnswer,
  busy: exitStatus.noAnswer,
  usage: exitStatus.usage,
  'invalid-config': exitStatus.usage,
  'invalid-argument': exitStatus.usage,
  'invalid-point': exitStatus.usage,
  'invalid-peer-id': exitStatus.usage
}

/** Of the code of a `CommandError` or `PoolError`, which may be whatever the other end of the socket wrote. */
export function statusOf(code: string): ExitStatus {
  return (Object.hasOwn(statusByCode, code) ? statusByCode[code] : undefined) ?? exitStatus.failed
}
