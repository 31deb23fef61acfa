/**
 * Says on standard error of a peer that its peers file fails, and when it works again: a peer that goes on in memory looks like any
 * other, and forgets its bans. Used by `run-node.ts`.
 */
import { jsonFileStorage, type Libp2pPeerPool, type PeerStorage } from '../index.ts'
import { safe } from './text-output.ts'

export interface StorageWarnings {
  /** For the pool. */
  readonly storage: PeerStorage
  /** Warns of failures, also of those before the call. */
  watch(pool: Libp2pPeerPool): void
}

/** Throws `PoolError` `invalid-config` for a path that cannot be. */
export function warningsOf(peersFile: string, complain: (text: string) => void): StorageWarnings {
  const storage = jsonFileStorage(peersFile)
  // Nobody can listen to a pool before it has started, and its snapshot has one word for what went wrong.
  let reason: string | undefined
  const noting = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error)
      throw error
    }
  }
  const failed = (why: string): void =>
    complain(
      `p2p-pool: warning: the storage ${storage.name} failed; bans and peers are kept in memory alone until it works again: ${safe(why)}\n`
    )
  const quarantined = (kept: string): void =>
    complain(`p2p-pool: warning: ${storage.name} held no peers that can be read; the peer begins anew, and the file is kept as ${kept}\n`)
  return {
    storage: {
      name: storage.name,
      ...(storage.openWithinMs === undefined ? {} : { openWithinMs: storage.openWithinMs }),
      open: (signal, onLost) => noting(storage.open(signal, onLost)),
      load: (signal) => noting(storage.load(signal)),
      save: (lines, signal) => noting(storage.save(lines, signal)),
      quarantine: async (signal) => {
        const kept = await noting(storage.quarantine(signal))
        quarantined(kept)
        return kept
      },
      close: () => storage.close()
    },
    watch(pool) {
      const { failure } = pool.snapshot().storage
      if (failure !== null && failure !== 'broken') failed(reason ?? failure)
      pool.addEventListener('storage-failed', ({ detail }) => void (detail.quarantinedAs === undefined && failed(detail.message)))
      pool.addEventListener('storage-recovered', () => complain(`p2p-pool: the storage ${storage.name} works again\n`))
    }
  }
}
