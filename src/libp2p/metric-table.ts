/**
 * All metrics of the pool: names, labels and meaning. A label takes its values from a closed list here, never from what a peer sent, so the
 * number of time series is fixed. `pool-metrics.ts` feeds them; `docs/metrics.md` repeats the table, and a test compares the two.
 */
import type { ConnectionKind, Direction } from '../core/values/attempt.ts'
import type { ConnectionBand } from '../core/values/bounds.ts'
import type { StorageFailure, Transport } from '../core/values/ports.ts'
import type { DialFailure, DisconnectReason, Ending, Rejection, ReportKind } from '../core/values/reason.ts'
import type { PeerSnapshot, PointSnapshot } from '../core/values/snapshot.ts'

/** A list that names each member of a union. A missing or wrong one does not compile. */
function all<Union extends string>(members: Readonly<Record<Union, true>>): readonly Union[] {
  return Object.keys(members) as Union[]
}

const rejections = all<Rejection['kind']>({
  ...{ 'point-banned': true, 'peer-banned': true, 'host-dial-limit': true, 'too-many-connections': true, 'too-many-handshakes': true },
  ...{ 'private-mode': true, pending: true, 'already-connected': true, myself: true, 'table-full': true, 'dial-failed': true },
  ...{ 'unexpected-peer-id': true, 'unknown-network': true, 'no-common-version': true, 'rejected-by-peer': true, timeout: true },
  ...{ 'not-admitted': true, 'link-lost': true, fault: true, cancelled: true }
})

const dialFailures = all<DialFailure>({
  ...{ refused: true, unreachable: true, timeout: true, 'wrong-peer-id': true, 'no-transport': true, denied: true, myself: true },
  ...{ 'no-pool': true, aborted: true, other: true }
})

/** Stands for a value that is in no list: what an implementation of a port made up. */
export const otherValue = 'other'

const outcomes = ['opened', ...rejections.filter((kind) => kind !== 'dial-failed')]

/** The value of `outcome` for an attempt that failed. */
export function outcomeOf(rejection: Rejection): string {
  return rejection.kind === 'dial-failed' ? `dial-${rejection.failure}` : rejection.kind
}

const directions = all<Direction>({ incoming: true, outgoing: true })
const transports = all<Transport>({
  ...{ tcp: true, ws: true, wss: true, webrtc: true, 'webrtc-direct': true, webtransport: true, quic: true, circuit: true },
  ...{ memory: true, other: true }
})
const reasons = all<DisconnectReason['kind']>({
  ...{ explicit: true, lost: true, 'closed-by-peer': true, fault: true, 'peer-banned': true, 'point-banned': true },
  ...{ 'unexpected-peer-id': true, 'too-many-connections': true, swapped: true, replaced: true, 'going-away': true },
  ...{ 'pool-destroyed': true, 'not-reading': true, unknown: true }
})
const storageFailures = all<StorageFailure>({
  ...{ locked: true, unavailable: true, 'no-permission': true, full: true, 'too-large': true, broken: true, 'newer-version': true }
})

/** What one metric is. */
export interface MetricDefinition {
  readonly type: 'gauge' | 'counter' | 'histogram'
  /** The name of its label, and all values that it takes. */
  readonly label?: readonly [name: string, values: readonly string[]]
  readonly help: string
  /** Upper bounds of a histogram, seconds. */
  readonly buckets?: readonly number[]
}

const [minute, hour, day] = [60, 3_600, 86_400]

/** By name. Times are in seconds, as Prometheus has it. */
export const metricTable = {
  p2p_pool_connections: { type: 'gauge', label: ['direction', directions], help: 'Running connections, by who dialed.' },
  p2p_pool_connections_by_transport: { type: 'gauge', label: ['transport', transports], help: 'Running connections, by transport.' },
  p2p_pool_connections_by_kind: {
    type: 'gauge',
    label: ['kind', all<ConnectionKind>({ pool: true, plain: true })],
    help: 'Running connections with other pools, and with peers that do not speak the pool protocol.'
  },
  p2p_pool_attempts: { type: 'gauge', label: ['direction', directions], help: 'Dials and incoming handshakes in progress.' },
  p2p_pool_band: {
    type: 'gauge',
    label: ['bound', all<keyof ConnectionBand>({ min: true, expected: true, max: true })],
    help: 'The numbers of connections that the pool keeps now.'
  },
  p2p_pool_below_minimum_seconds: {
    type: 'gauge',
    help: 'For how long there have been fewer connections than the minimum; 0: there are enough.'
  },
  p2p_pool_points: {
    type: 'gauge',
    label: ['state', all<PointSnapshot['state']>({ disconnected: true, requested: true, accepted: true, running: true })],
    help: 'Known points, by state.'
  },
  p2p_pool_peers: {
    type: 'gauge',
    label: ['state', all<PeerSnapshot['state']>({ disconnected: true, accepted: true, running: true })],
    help: 'Known peers, by state.'
  },
  p2p_pool_own_points: { type: 'gauge', help: 'Points at which others can reach this peer.' },
  p2p_pool_blocked: {
    type: 'gauge',
    label: ['kind', ['banned-peer', 'banned-host', 'banned-range', 'greylisted-peer', 'greylisted-host']],
    help: 'Who is kept out, by kind.'
  },
  p2p_pool_relay_reservations: {
    type: 'gauge',
    label: ['kind', ['used', 'left', 'max']],
    help: 'Reservations at the relay in this peer: held, free for any peer of the pool, and the limit. Only where a relay runs.'
  },
  p2p_pool_storage_persistent: { type: 'gauge', help: '1: the storage works. 0: it is being loaded, failed, or there is none.' },
  p2p_pool_dials_total: {
    type: 'counter',
    label: ['outcome', [...outcomes, ...dialFailures.map((failure) => `dial-${failure}`), otherValue]],
    help: 'Dials, by how they ended. Those that the pool refused before it opened a socket count too.'
  },
  p2p_pool_handshakes_total: {
    type: 'counter',
    label: ['outcome', [...outcomes, otherValue]],
    help: 'Incoming handshakes, by how they ended.'
  },
  p2p_pool_endings_total: { type: 'counter', label: ['reason', [...reasons, otherValue]], help: 'Connections that ended, by reason.' },
  p2p_pool_endings_by_total: {
    type: 'counter',
    label: ['by', all<Ending['by']>({ us: true, them: true, network: true })],
    help: 'Connections that ended, by who ended them.'
  },
  p2p_pool_messages_total: { type: 'counter', label: ['direction', ['received', 'sent']], help: 'Messages of the application.' },
  p2p_pool_messages_dropped_total: {
    type: 'counter',
    help: 'Messages that a broadcast did not send to a peer, because too much waited for it.'
  },
  p2p_pool_bytes_total: {
    type: 'counter',
    label: ['direction', ['received', 'sent']],
    help: 'Bytes of the pool protocol: messages of the application and of the pool.'
  },
  p2p_pool_reports_total: {
    type: 'counter',
    label: ['kind', all<ReportKind>({ fault: true, useless: true, slow: true })],
    help: 'Reports of peers by the application, by kind.'
  },
  p2p_pool_greylistings_total: { type: 'counter', help: 'Peers and hosts that the pool began to keep out after a fault.' },
  p2p_pool_swaps_total: {
    type: 'counter',
    label: ['outcome', ['offered', 'received', 'ignored', 'accepted', 'accepted-by-peer', 'succeeded', 'failed']],
    help: 'Swaps, by step and outcome.'
  },
  p2p_pool_advertised_points_total: {
    type: 'counter',
    label: ['outcome', ['sent', 'received', 'taken']],
    help: 'Points that peers advertised: sent, received, and those that were new and taken.'
  },
  p2p_pool_collected_total: { type: 'counter', label: ['table', ['points', 'peers']], help: 'Entries that were removed to make room.' },
  p2p_pool_storage_failures_total: {
    type: 'counter',
    label: ['failure', [...storageFailures, otherValue]],
    help: 'Failures of the storage.'
  },
  p2p_pool_dial_seconds: {
    type: 'histogram',
    label: ['outcome', ['accepted', 'failed']],
    help: 'Dial and handshake together, of dials that were accepted and of those that failed.',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
  },
  p2p_pool_round_trip_seconds: {
    type: 'histogram',
    help: 'Round trips of handshakes and liveness checks.',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
  },
  p2p_pool_connection_age_seconds: {
    type: 'histogram',
    help: 'How long connections had run when they ended.',
    buckets: [1, 10, minute, 5 * minute, 15 * minute, hour, 6 * hour, day]
  },
  p2p_pool_time_below_minimum_seconds: {
    type: 'histogram',
    help: 'How long there were fewer connections than the minimum, once there were enough again.',
    buckets: [1, 5, 10, 30, minute, 5 * minute, 15 * minute, hour]
  },
  p2p_pool_save_seconds: {
    type: 'histogram',
    help: 'How long the storage took to save.',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30]
  }
} as const satisfies Readonly<Record<string, MetricDefinition>>

/** The name of a metric. */
export type MetricName = keyof typeof metricTable

/** The metrics of one type. */
export type MetricOf<Type extends MetricDefinition['type']> = {
  readonly [Name in MetricName]: (typeof metricTable)[Name]['type'] extends Type ? Name : never
}[MetricName]
