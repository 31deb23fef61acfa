/** Lists of connections, points, blocks and events, and all of one peer, as text for people. */
import type { PeerDescription } from '../../src/core/api/snapshot.ts'
import type { Explanation } from '../../src/core/decisions/explain.ts'
import { describeRejection, type Ending, type Rejection } from '../../src/core/values/reason.ts'
import type { BlockSnapshot, ConnectionSnapshot, PointSnapshot } from '../../src/core/values/snapshot.ts'
import { describeReason } from '../../src/core/wire/disconnect.ts'
import type { ControlEvent } from './control-lines.ts'
import { nameOf, shownHost, type Target } from './target.ts'
import { bytes, counted, duration, facts, type Output, safe, safeJson, since, table } from './text-output.ts'

/** What `--sort` takes: the smaller comes first. */
export const sortKeys = {
  age: ({ establishedAt }: ConnectionSnapshot) => establishedAt,
  rtt: ({ rttMs }: ConnectionSnapshot) => rttMs?.last ?? Number.POSITIVE_INFINITY,
  received: ({ bytesReceived }: ConnectionSnapshot) => -bytesReceived,
  sent: ({ bytesSent }: ConnectionSnapshot) => -bytesSent,
  peer: ({ peerId }: ConnectionSnapshot) => peerId,
  host: ({ host }: ConnectionSnapshot) => host ?? '',
  transport: ({ transport }: ConnectionSnapshot) => transport
} satisfies Record<string, (connection: ConnectionSnapshot) => string | number>

export function orderConnections<Row extends ConnectionSnapshot>(connections: readonly Row[], key: keyof typeof sortKeys): readonly Row[] {
  const of = sortKeys[key]
  return connections.toSorted((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0))
}

/** Of the last answer; nothing if none was measured yet. */
export function roundTrip({ rttMs }: Pick<ConnectionSnapshot, 'rttMs'>): string {
  return rttMs === null ? '' : `${Math.ceil(rttMs.last)} ms`
}

const flagsOf = (flags: Readonly<Record<string, boolean>>): string =>
  Object.entries(flags)
    .flatMap(([name, isSet]) => (isSet ? [name] : []))
    .join(',')

export function connectionsText(
  connections: readonly ConnectionSnapshot[],
  { out, verbose }: { readonly out: Output; readonly verbose: boolean }
): string {
  if (connections.length === 0) return 'no connections\n'
  const head = [
    'peer',
    'dir',
    'transport',
    'rtt>',
    'age>',
    'received>',
    'sent>',
    'host',
    'flags',
    ...(verbose ? ['kind', 'point', 'remote address'] : [])
  ]
  const rows = connections.map((connection) => [
    connection.peerId,
    connection.direction === 'incoming' ? 'in' : 'out',
    connection.transport,
    roundTrip(connection),
    since(connection.establishedAt),
    bytes(connection.bytesReceived),
    bytes(connection.bytesSent),
    shownHost(connection.host ?? ''),
    flagsOf({ trusted: connection.trusted, private: connection.isPrivate, alone: !connection.discovery }),
    ...(verbose ? [connection.kind, connection.point ?? '', connection.remoteAddress] : [])
  ])
  return `${table(head, rows, out)}${counted(connections.length, 'connection')}\n`
}

export function pointsText(points: readonly PointSnapshot[], out: Output): string {
  if (points.length === 0) return 'no points\n'
  const rows = points.map(({ point, state, peerId, lastSeenAt, failures, backoffForMs, trusted, banned, greylisted, isSigned }) => [
    point,
    state,
    since(lastSeenAt),
    failures === 0 ? '' : String(failures),
    backoffForMs <= 0 ? '' : duration(backoffForMs),
    flagsOf({ trusted, banned, greylisted, signed: isSigned }),
    peerId ?? ''
  ])
  return `${table(['point', 'state', 'seen>', 'failures>', 'backoff>', 'flags', 'peer'], rows, out)}${counted(points.length, 'point')}\n`
}

export function blocksText(blocks: readonly BlockSnapshot[], out: Output): string {
  if (blocks.length === 0) return 'nobody is banned or greylisted\n'
  const rows = blocks.map(({ kind, peerId, host, since: from, endsAt }) => [
    kind,
    peerId ?? shownHost(host ?? ''),
    `${since(from)} ago`,
    lastsText({ kind, endsAt })
  ])
  return table(['kind', 'who', 'since', 'ends'], rows, out)
}

function lastsText({ kind, endsAt }: Pick<BlockSnapshot, 'kind' | 'endsAt'>): string {
  return endsAt === null ? 'until it is lifted' : `${duration(endsAt - Date.now())} more${kind === 'banned' ? '' : ' at most'}`
}

/** What keeps a host or range out, a line each. */
export function whyBlockedText(target: Extract<Target, { kind: 'host' | 'range' }>, blocks: readonly BlockSnapshot[]): string {
  const name = nameOf(target)
  if (blocks.length === 0) return `${safe(name)}: not banned, not greylisted\n`
  const lines = blocks.map((block) => {
    const host = shownHost(block.host ?? '')
    const by = host === name ? '' : ` by the ${host.includes('/') ? 'range' : 'host'} ${host}`
    return `${safe(`${name}: ${block.kind}${by}, ${lastsText(block)}`)}\n`
  })
  return lines.join('')
}

export function peerText(peer: PeerDescription, { text }: Explanation, out: Output): string {
  const meeting = (at: number | null, point: string | null = null): string | undefined =>
    at === null ? undefined : `${since(at)} ago${point === null ? '' : ` at ${point}`}`
  const { connection, lastReport, lastFailure } = peer
  return facts(
    [
      ['peer', peer.peerId],
      ['now', text],
      ['trusted', peer.trusted ? 'yes' : 'no'],
      [
        'connection',
        connection === null
          ? undefined
          : `${connection.direction} by ${connection.transport} for ${since(connection.establishedAt)}${connection.point === null ? '' : ` at ${connection.point}`}`
      ],
      [
        'round trip',
        connection?.rttMs == null ? undefined : `${roundTrip(connection)}; the shortest was ${Math.ceil(connection.rttMs.least)} ms`
      ],
      ['score', `${peer.score.toFixed(2)}${peer.penalty > 0 ? `, penalty ${peer.penalty.toFixed(2)}` : ''}`],
      ['known for', since(peer.createdAt)],
      ['last seen', meeting(peer.lastSeenAt, peer.lastSeenPoint)],
      ['last failure', meeting(lastFailure?.at ?? null, lastFailure?.point)],
      ['last report', lastReport === null ? undefined : `${lastReport.kind}: ${lastReport.reason}`],
      [
        'history',
        peer.events.map(({ kind, at, point }) => `${timeOf(at)} ${kind}${point === null ? '' : ` ${point}`}`).join('\n') || undefined
      ]
    ],
    out
  )
}

/** `2026-11-30 12:03:04`, as the clock on the wall shows it. */
function timeOf(at: number): string {
  // A file can name any instant.
  if (!(Math.abs(at) < 8.6e15)) return String(at)
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19).replace('T', ' ')
}

export function eventLine({ type, detail, at }: ControlEvent): string {
  const fields = Object.entries(Object(detail)).flatMap(([name, value]) => {
    // Left out, as in JSON.
    if (value === undefined) return []
    if (typeof value === 'string') return `${name}=${safe(name === 'host' ? shownHost(value) : value)}`
    return sentenceOf(name, value) ?? `${name}=${safeJson(value)}`
  })
  return `${[timeOf(at), type, ...fields].join(' ')}\n`
}

/** Why, in words, as `why` says it; undefined for what is no reason of this version. */
function sentenceOf(name: string, value: unknown): string | undefined {
  try {
    if (name === 'rejection') return `(${safe(describeRejection(value as Rejection))})`
    if (name === 'ending') return `by=${safe(String(Reflect.get(Object(value), 'by')))} (${safe(describeReason((value as Ending).reason))})`
  } catch {
    // What another version or another program wrote is shown as it came.
  }
  return undefined
}
