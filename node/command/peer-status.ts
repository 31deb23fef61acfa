/** What the control socket says of a running peer as a whole: made by `control-verbs.ts`, shown by the command. Plain JSON. */
import type { BandExplanation } from '../../src/core/decisions/explain-band.ts'
import type { PoolSnapshot } from '../../src/core/values/snapshot.ts'
import type { RelayStatus } from '../relay.ts'
import type { Health } from './health.ts'

/** Lists that may be long are left out: `snapshot` has them. */
export interface PeerStatus {
  readonly pid: number
  readonly packageVersion: string
  /** Wall clock, ms since 1970. */
  readonly startedAt: number
  /** The data folder. */
  readonly folder: string
  /** Where `/health` is, if it is served. */
  readonly http: string | null
  /** Multiaddrs with the peer id, as others dial them. */
  readonly addresses: readonly string[]
  readonly relay: RelayStatus | null
  readonly health: Health
  readonly explanation: BandExplanation
  readonly pool: Omit<PoolSnapshot, LongField>
  readonly known: { readonly points: number; readonly peers: number }
  readonly blocked: {
    readonly bannedPeers: number
    readonly bannedHosts: number
    readonly bannedRanges: number
    readonly greylistedPeers: number
    readonly greylistedHosts: number
  }
}

/** The fields of a snapshot that can be asked for by name. */
export const snapshotFields = [
  ...(['status', 'peerId', 'takenAt', 'band', 'bounds', 'active', 'storage'] as const),
  ...(['connections', 'points', 'peers', 'blocks'] as const)
] satisfies (keyof PoolSnapshot)[]

export type SnapshotField = (typeof snapshotFields)[number]

type LongField = 'connections' | 'points' | 'peers' | 'blocks' | 'bannedPeers' | 'bannedHosts' | 'greylistedPeers' | 'greylistedHosts'
