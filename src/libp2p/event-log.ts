/**
 * Writes events of a pool to libp2p's loggers, one line each: which peers connected and were lost, what was refused, which are kept out, how
 * the storage does. Made by the preset of Node and by `peerPool` there; pages do not load it. A logger that is off costs a listener.
 *
 * A line is the event's name and `field=value` pairs. Values with other characters than those of ids and addresses are quoted, and cannot
 * steer a terminal.
 */
import type { ComponentLogger, Logger } from '@libp2p/interface'
import type { PoolEventName, PoolEvents } from '../core/values/events.ts'
import type { Host, PeerId } from '../core/values/ids.ts'
import { describeRejection, type Ending, type Rejection } from '../core/values/reason.ts'
import type { ConnectionInfo } from '../core/values/snapshot.ts'
import { escapeUnprintable } from '../core/values/unprintable.ts'

/** The namespace of each event is `p2p-pool:` and this. `authentication-failed` is left out: one of the next two comes with it. */
const scopes = {
  'connection-opened': 'connections',
  'connection-closed': 'connections',
  'connection-lost': 'connections',
  'handshake-refused': 'attempts',
  'connection-failed': 'attempts',
  'peer-banned': 'blocks',
  'peer-unbanned': 'blocks',
  'host-banned': 'blocks',
  'host-unbanned': 'blocks',
  'range-banned': 'blocks',
  'range-unbanned': 'blocks',
  greylisted: 'blocks',
  'peer-reported': 'blocks',
  'storage-failed': 'storage',
  'storage-loaded': 'storage',
  'storage-recovered': 'storage'
} as const satisfies { readonly [Name in PoolEventName]?: string }

type Logged = keyof typeof scopes

/** What an operator has to mend. What peers do is no error. */
const errors: ReadonlySet<Logged> = new Set<Logged>(['storage-failed'])

/** Incoming handshakes whose host is remembered. The pool takes fewer at a time. */
const maxHosts = 1_024

/** What the log needs of a pool. */
export interface LoggedPool {
  addEventListener<Name extends PoolEventName>(
    name: Name,
    listener: (event: { readonly detail: PoolEvents[Name]; readonly at: number }) => void
  ): void
  readonly connections: { findByPeerId(peerId: PeerId): { readonly info: ConnectionInfo } | undefined }
}

/** From now on. */
export function logEvents(pool: LoggedPool, logger: ComponentLogger): void {
  const loggers = new Map<string, Logger>()
  const memory = new Memory(pool)
  for (const [name, scope] of Object.entries(scopes) as [Logged, string][]) {
    const log = loggers.get(scope) ?? logger.forComponent(`p2p-pool:${scope}`)
    loggers.set(scope, log)
    pool.addEventListener(name, ({ detail, at }) => {
      const more = memory.of(name, detail, at)
      if (errors.has(name)) log.error('%s', lineOf(name, { ...detail, ...more }))
      else if (log.enabled) log('%s', lineOf(name, { ...detail, ...more }))
    })
  }
}

/** What earlier events said of a connection or an attempt. */
class Memory {
  readonly #pool: LoggedPool
  /** As many as there are connections. */
  readonly #openedAt = new Map<PeerId, number>()
  /** By attempt; the oldest goes first. */
  readonly #hosts = new Map<number, Host | undefined>()

  constructor(pool: LoggedPool) {
    this.#pool = pool
    pool.addEventListener('handshake-started', ({ detail: { attempt, host } }) => {
      this.#hosts.set(attempt, host)
      const [oldest] = this.#hosts.size > maxHosts ? this.#hosts.keys() : []
      if (oldest !== undefined) this.#hosts.delete(oldest)
    })
  }

  of(name: Logged, detail: PoolEvents[Logged], at: number): object {
    if ('attempt' in detail) {
      const host = this.#hosts.get(detail.attempt)
      this.#hosts.delete(detail.attempt)
      return { host }
    }
    if (!name.startsWith('connection-') || !('peerId' in detail) || detail.peerId === undefined) return {}
    const { peerId } = detail
    if (name === 'connection-opened') {
      this.#openedAt.set(peerId, at)
      const { transport, remoteAddress } = this.#pool.connections.findByPeerId(peerId)?.info ?? {}
      return { transport, remoteAddress }
    }
    const openedAt = this.#openedAt.get(peerId)
    this.#openedAt.delete(peerId)
    return { lastedMs: openedAt === undefined ? undefined : at - openedAt }
  }
}

/** `connection-lost peerId=12D3KooW… by=network reason=lost lastedMs=61204`. */
function lineOf(name: string, detail: object): string {
  const pairs = Object.entries(detail).flatMap(([field, value]) => pairsOf(field, value))
  return [name, ...pairs.map(([field, value]) => `${field}=${shownValue(value)}`)].join(' ')
}

function pairsOf(field: string, value: unknown): readonly (readonly [string, unknown])[] {
  // Of attempt 0 nothing began.
  if (value === undefined || (field === 'attempt' && value === 0)) return []
  if (field === 'rejection')
    return [
      ['reason', (value as Rejection).kind],
      ['text', describeRejection(value as Rejection)]
    ]
  if (field === 'ending') {
    const { by, reason } = value as Ending
    const text = 'text' in reason ? reason.text : 'detail' in reason ? reason.detail : ''
    return [['by', by], ['reason', reason.kind], ...(text === '' ? [] : [['text', text] as const])]
  }
  if (field === 'host') return [[field, String(value).replace(/^::ffff:(?=.*\.)/, '')]]
  return [[field, value]]
}

function shownValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (/^[\w.:/@+,-]+$/.test(text)) return text
  return escapeUnprintable(JSON.stringify(text))
}
