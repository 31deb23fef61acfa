/** What the control socket says of a running peer as a whole: made by `control-verbs.ts`, shown by the command. Plain JSON. */
import type { BandExplanation } from '../../src/core/decisions/explain-band.ts'
import { shown } from '../../src/core/values/arguments.ts'
import type { PoolSnapshot } from '../../src/core/values/snapshot.ts'
import type { RelayStatus } from '../relay.ts'
import { CommandError } from './command-error.ts'
import { type Health, healthWords } from './health.ts'

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
  /** Where it listens for control over TCP, if it does: `127.0.0.1:4003`. */
  readonly control: string | null
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

/** What another process answered to `status`: what the texts look up and reckon with is checked. Throws `CommandError` `invalid-answer`. */
export function readStatus(value: unknown): PeerStatus {
  const { health, pool, explanation, addresses, known, blocked } = Object(value) as Partial<PeerStatus>
  const { active, band, peerId, network, storage } = Object(pool) as Partial<PeerStatus['pool']>
  const { min, expected, max } = Object(band) as Partial<PoolSnapshot['band']>
  const isWhole =
    [health, peerId, network, explanation?.text].every((text) => typeof text === 'string') &&
    [active, min, expected, max].every((count) => Number.isSafeInteger(count)) &&
    [known, blocked, storage].every((part) => typeof part === 'object' && part !== null) &&
    Array.isArray(addresses) &&
    addresses.every((address) => typeof address === 'string')
  if (isWhole && Object.hasOwn(healthWords, health ?? '')) return value as PeerStatus
  throw new CommandError('invalid-answer', `status: the answer is none of a peer of this release (health ${shown(health)})`)
}

/** The fields of a snapshot that can be asked for by name. */
export const snapshotFields = [
  ...(['status', 'peerId', 'takenAt', 'band', 'bounds', 'active', 'storage'] as const),
  ...(['connections', 'points', 'peers', 'blocks'] as const)
] satisfies (keyof PoolSnapshot)[]

export type SnapshotField = (typeof snapshotFields)[number]

type LongField = 'connections' | 'points' | 'peers' | 'blocks' | 'bannedPeers' | 'bannedHosts' | 'greylistedPeers' | 'greylistedHosts'
