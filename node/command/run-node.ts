/** `p2p-pool node`: runs a peer until a signal ends it, or another process may hold its data folder. */
import { CommandError } from './command-error.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { type NodeSettings, namedAsTyped } from './node-settings.ts'
import type { PeerStatus } from './peer-status.ts'
import { prometheusText } from './prometheus-text.ts'
import { type RunningPeer, startPeer } from './running-peer.ts'

/** A peer says goodbye and saves within five seconds; the rest takes no time. */
const stopDeadlineMs = 10_000

export interface RunningNode {
  /** Called once, when everything listens. */
  started(status: PeerStatus): void
  complain(text: string): void
  /** Ends the peer. */
  readonly signal: AbortSignal
}

/** Resolves when the peer has ended. Rejects with `CommandError` `held` when its folder is lost, else as `startPeer`; an error about an option names it as it was typed. */
export async function runNode(settings: NodeSettings, { started, complain, signal }: RunningNode): Promise<ExitStatus> {
  const running = await startPeer(settings, { complain, metrics: prometheusText() }).catch((error: unknown) => {
    throw namedAsTyped(error, settings)
  })
  try {
    started(await running.status())
    await Promise.race([ended(signal), lossOf(running)])
  } catch (error) {
    await stopsInTime(running.stop(), complain)
    throw error
  }
  return (await stopsInTime(running.stop(), complain)) ? exitStatus.done : exitStatus.failed
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Rejects once another peer may run beside this one, with the same identity. */
async function lossOf({ folder, lost }: RunningPeer): Promise<never> {
  await lost
  throw new CommandError(
    'held',
    `the lock of ${folder} was lost, since this process stood still for seconds or the lock was removed: the peer stops, for another may run there`
  )
}

async function stopsInTime(stopping: Promise<void>, complain: (text: string) => void): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), stopDeadlineMs)
  const inTime = await Promise.race([stopping.then(() => true), late.promise])
  clearTimeout(timer)
  if (!inTime) complain(`the peer did not stop within ${stopDeadlineMs} ms\n`)
  return inTime
}
