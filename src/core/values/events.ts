/** The events of a pool: one closed, typed list. `addEventListener` gets them all, `next` waits for one. */
import type { Direction } from './attempt.ts'
import type { ConnectionBand } from './bounds.ts'
import type { HistoryEvent } from './history.ts'
import type { Host, PeerId, Point } from './ids.ts'
import type { LinkBudget, StorageFailure } from './ports.ts'
import type { Ending, Rejection, ReportKind } from './reason.ts'

/** Name and content of each event. Contents are readonly records, never live objects. */
export interface PoolEvents {
  /** Another band is kept: `setBand`, `suspend` or `resume`. */
  'band-changed': { readonly band: ConnectionBand }
  /** Fewer running connections than the band's min, after a loss. */
  'too-few-connections': { readonly active: number }
  /** More than `maxThreshold`; again when there are still more. */
  'too-many-connections': { readonly active: number }
  /**
   * `too-few`: fewer than `minThreshold`, so the pool dials until there are `minTarget`. `too-many`: more than `maxThreshold`, so it closes
   * down to `maxTarget`; not where none may be closed, since trusted peers and the last of a kind stay.
   */
  'maintenance-started': { readonly active: number; readonly cause: 'too-few' | 'too-many' }
  /** What the last `maintenance-started` began is done, or the pool stopped. There is one for each. */
  'maintenance-ended': { readonly active: number }
  /** A point became known. `discoverySource` is a `DiscoverySource`, `source` the peer that advertised it. */
  'new-point': { readonly point: Point; readonly discoverySource: string; readonly source: PeerId | undefined }
  /** A peer became known. */
  'new-peer': { readonly peerId: PeerId }
  /** So many points were removed to make room. */
  'points-collected': { readonly removed: number }
  /** So many peers were removed to make room. */
  'peers-collected': { readonly removed: number }
  /** A handshake with a peer that came in began. */
  'handshake-started': { readonly attempt: number; readonly host: Host | undefined; readonly peerId: PeerId }
  /** A dial began. `attempt` is the same number in all events of one attempt. */
  'dial-started': { readonly attempt: number; readonly point: Point }
  /** The other side did not prove itself, or broke the protocol before it ran. */
  'authentication-failed': {
    readonly attempt: number
    readonly point: Point | undefined
    readonly peerId: PeerId | undefined
    readonly rejection: Rejection
  }
  /** Our checks of the peer passed; the connection opens when the peer accepts too. */
  'handshake-accepted': { readonly attempt: number; readonly point: Point | undefined; readonly peerId: PeerId }
  /** We refused a dial or a handshake, for the reason in `rejection`. */
  'handshake-refused': {
    readonly attempt: number
    readonly direction: Direction
    readonly point: Point | undefined
    readonly peerId: PeerId | undefined
    readonly rejection: Rejection
  }
  /** The peer refused, or could not be reached, for the reason in `rejection`. */
  'connection-failed': {
    readonly attempt: number
    readonly direction: Direction
    readonly point: Point | undefined
    readonly peerId: PeerId | undefined
    readonly rejection: Rejection
  }
  /** A peer is connected: messages may be sent. */
  'connection-opened': { readonly peerId: PeerId; readonly point: Point | undefined; readonly direction: Direction }
  /** We ended a connection. */
  'connection-closed': { readonly peerId: PeerId; readonly point: Point | undefined; readonly ending: Ending }
  /** The peer or the network ended a connection. */
  'connection-lost': { readonly peerId: PeerId; readonly point: Point | undefined; readonly ending: Ending }
  /**
   * Messages of `broadcast` that were not sent to a peer, because too much waited for it. At most once a second and peer, with all since
   * the last time.
   */
  'messages-dropped': { readonly peerId: PeerId; readonly messages: number; readonly bytes: number }
  /** We asked a peer for points. */
  'bootstrap-sent': { readonly peerId: PeerId }
  /** A peer asked us for points. */
  'bootstrap-received': { readonly peerId: PeerId }
  /** We sent a peer so many points. */
  'advertise-sent': { readonly peerId: PeerId; readonly points: number }
  /** A peer sent us so many points; `taken` of them were new and taken. */
  'advertise-received': { readonly peerId: PeerId; readonly points: number; readonly taken: number }
  /** We offered a peer to swap a connection. */
  'swap-request-sent': { readonly peerId: PeerId }
  /** A peer offered to swap a connection. */
  'swap-request-received': { readonly peerId: PeerId }
  /** We ignored a swap that a peer offered; `why` in one sentence. */
  'swap-request-ignored': { readonly peerId: PeerId; readonly why: string }
  /** We took a swap. */
  'swap-ack-sent': { readonly peerId: PeerId }
  /** A peer took our swap. */
  'swap-ack-received': { readonly peerId: PeerId }
  /** A swap replaced the connection with `peerId` by one with `gained`. */
  'swap-success': { readonly peerId: PeerId; readonly gained: PeerId }
  /** A swap did not come about; `why` in one sentence. */
  'swap-failure': { readonly peerId: PeerId; readonly why: string }
  /** The operator banned a peer. */
  'peer-banned': { readonly peerId: PeerId }
  /** A ban of a peer was lifted, or ended. */
  'peer-unbanned': { readonly peerId: PeerId }
  /** The operator banned a host. */
  'host-banned': { readonly host: Host }
  /** A ban of a host was lifted, or ended. */
  'host-unbanned': { readonly host: Host }
  /** The operator banned a range of addresses: the canonical text, such as `192.0.2.0/24`. */
  'range-banned': { readonly range: string }
  /** A ban of a range was lifted, or ended. */
  'range-unbanned': { readonly range: string }
  /** The pool keeps a peer, its host or both out after a fault; `cause` in one sentence. */
  greylisted: { readonly peerId: PeerId | undefined; readonly host: Host | undefined; readonly cause: string }
  /** The application reported a peer; `greylisted`: the pool keeps it out now. */
  'peer-reported': { readonly peerId: PeerId; readonly kind: ReportKind; readonly reason: string; readonly greylisted: boolean }
  /** Trust of a point or peer was given or taken. */
  'trust-changed': { readonly peerId: PeerId | undefined; readonly point: Point | undefined; readonly trusted: boolean }
  /** Few WebRTC connections may be made still, or none, or enough again. */
  'link-budget': LinkBudget
  /** Others reach us at these points from now on. */
  'own-points-changed': { readonly points: readonly Point[] }
  /** The storage cannot do its work; the pool goes on in memory and tries again. */
  'storage-failed': {
    readonly storage: string
    readonly failure: StorageFailure
    readonly message: string
    /** Where a text that could not be read is kept now. */
    readonly quarantinedAs: string | undefined
  }
  /** Saved state was read: so many peers and points, and so many entries that made no sense. */
  'storage-loaded': { readonly storage: string; readonly peers: number; readonly points: number; readonly dropped: number }
  /** What had changed was saved, which took the storage so long, ms. */
  'storage-saved': { readonly storage: string; readonly tookMs: number }
  /** The storage works again. */
  'storage-recovered': { readonly storage: string }
  /** A line was added to the history of a point; `other` is the peer there. */
  'point-history': { readonly point: Point; readonly event: HistoryEvent<PeerId> }
  /** A line was added to the history of a peer; `other` is the point where it was. */
  'peer-history': { readonly peerId: PeerId; readonly event: HistoryEvent<Point> }
  /** Something that `snapshot()` shows is different; at most one per turn of the clock. */
  change: { readonly version: number }
}

/** The name of an event. */
export type PoolEventName = keyof PoolEvents

const names = [
  'band-changed too-few-connections too-many-connections maintenance-started maintenance-ended new-point new-peer',
  'points-collected peers-collected handshake-started dial-started authentication-failed handshake-accepted handshake-refused',
  'connection-failed connection-opened connection-closed connection-lost messages-dropped bootstrap-sent bootstrap-received',
  'advertise-sent advertise-received swap-request-sent swap-request-received swap-request-ignored swap-ack-sent',
  'swap-ack-received swap-success swap-failure peer-banned peer-unbanned host-banned host-unbanned range-banned range-unbanned',
  'greylisted peer-reported trust-changed link-budget own-points-changed storage-failed storage-loaded storage-saved storage-recovered',
  'point-history peer-history change'
] as const

type WordsOf<Text extends string> = Text extends `${infer Word} ${infer Rest}` ? Word | WordsOf<Rest> : Text

/** Every name, for checks of what callers ask for. A missing or wrong one does not compile. */
export const poolEventNames = Object.fromEntries(names.flatMap((line) => line.split(' ')).map((name) => [name, true])) as Readonly<
  Record<WordsOf<(typeof names)[number]>, true>
> satisfies Readonly<Record<PoolEventName, true>>

/** What a listener of one of several events gets. */
export interface EventOf<Events, Name extends keyof Events> {
  /** The name of the event. */
  readonly type: Name
  /** What happened: the type that `PoolEvents` gives under this name. */
  readonly detail: Events[Name]
  /** Wall clock, ms since 1970. */
  readonly at: number
}

/** What is called for an event. What it throws is logged. */
export type ListenerOf<Events, Name extends keyof Events> = (event: EventOf<Events, Name>) => void

/** What a listener of the pool gets. */
export type PoolEvent<Name extends PoolEventName = PoolEventName> = EventOf<PoolEvents, Name>
/** A listener of the pool. What it throws is logged. */
export type PoolListener<Name extends PoolEventName> = ListenerOf<PoolEvents, Name>
