/**
 * Ends what is left of the old run of a peer that has restarted. Loaded by `network.ts` when that happens.
 *
 * libp2p tells its services that a peer has left when the last connection to it ends. With the new one open, Gossipsub would hold on to
 * the old streams: it drops the peer when they break, and greets it again only on another connection. So where others had streams on the
 * old connections, the new one ends too: the peer leaves for all, and dials again a second later.
 */
import type { Connection } from '@libp2p/interface'
import { housekeeping } from './connection-keeper.ts'

/** What a peer that restarts opens at its start is of one run; ms. */
const restartMs = 1_000

export function endOlder(
  connection: Connection,
  { all, poolProtocol }: { readonly all: readonly Connection[]; readonly poolProtocol: string }
): void {
  // A relayed one may be what the new direct one was made over.
  const older = all.filter(({ limits, timeline }) => limits === undefined && connection.timeline.open - timeline.open > restartMs)
  const isOurs = (protocol: string): boolean => protocol === '' || protocol === poolProtocol || housekeeping.test(protocol)
  const isUsed = older.some(({ streams }) => streams.some(({ protocol }) => !isOurs(protocol)))
  for (const one of isUsed ? all : older) one.abort(new Error('the peer has restarted'))
}
