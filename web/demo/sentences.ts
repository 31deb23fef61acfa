/**
 * What happened, in sentences: one per event of the pool, and what to do about a dial that failed. Pure; the words for
 * rejections and reasons themselves are the core's. Peers and points stay apart from the words around them, so that the
 * page can show them short and with their full text at hand.
 */
import {
  type DialFailure,
  describeReason,
  describeRejection,
  type Ending,
  type HistoryKind,
  type Host,
  type PeerId,
  type Point,
  type PoolEventName,
  type PoolEvents,
  type PoolSnapshot,
  type Rejection
} from '../../src/core/index.ts'
import { formatCount, formatHost, shortenIds } from './format.ts'

export type Piece = string | { readonly peerId: PeerId } | { readonly point: Point }
/** How it is coloured; the words say it too. */
export type Tone = 'good' | 'plain' | 'quiet' | 'warning'

export interface Sentence {
  readonly tone: Tone
  readonly pieces: readonly Piece[]
}

/** `change` says only that the page must be drawn again; a line of a history repeats another event. */
export type ShownEventName = Exclude<PoolEventName, 'change' | 'point-history' | 'peer-history'>
type SentenceOf<Name extends ShownEventName> = (detail: PoolEvents[Name]) => Sentence

const sentences: { readonly [Name in ShownEventName]: SentenceOf<Name> } = {
  'band-changed': ({ band }) => plain(`Keeping ${band.min} to ${band.max} connections now, ${band.expected} if possible.`),
  'too-few-connections': ({ active }) => warning(`Too few connections (${active}): looking for peers.`),
  'too-many-connections': ({ active }) => warning(`Too many connections: ${active}.`),
  'maintenance-started': ({ active, cause }) =>
    quiet(
      cause === 'too-few'
        ? `Only ${formatCount(active, 'connection')}: dialing until there are enough.`
        : `There are ${formatCount(active, 'connection')}: closing those that are too many.`
    ),
  'maintenance-ended': ({ active }) => quiet(`Done: ${formatCount(active, 'connection')}.`),
  'new-point': ({ point, discoverySource, source }) =>
    plain(
      'Learned of ',
      { point },
      ...(source === undefined ? [`, ${mediumWords(discoverySource)}.`] : [' from ', { peerId: source }, '.'])
    ),
  'new-peer': ({ peerId }) => plain('Met ', { peerId }, ' for the first time.'),
  'points-collected': ({ removed }) => quiet(`Forgot ${formatCount(removed, 'point')} to make room.`),
  'peers-collected': ({ removed }) => quiet(`Forgot ${formatCount(removed, 'peer')} to make room.`),
  'handshake-started': ({ peerId, host }) =>
    quiet({ peerId }, host === undefined ? ' is connecting to us.' : ` is connecting to us from ${formatHost(host)}.`),
  'dial-started': ({ point }) => quiet('Dialing ', { point }, '.'),
  'authentication-failed': ({ peerId, point, rejection }) => warning('No proof from ', ...who(peerId, point), because(rejection)),
  'handshake-accepted': ({ peerId }) => quiet('Accepted ', { peerId }, '; waiting for its answer.'),
  'handshake-refused': ({ peerId, point, rejection }) => warning('We refused ', ...who(peerId, point), because(rejection)),
  'connection-failed': ({ peerId, point, rejection }) => warning('No connection with ', ...who(peerId, point), because(rejection)),
  'connection-opened': ({ peerId, point, direction }) =>
    good('Connected ', direction === 'outgoing' ? 'to ' : 'from ', { peerId }, ...(point === undefined ? ['.'] : [' at ', { point }, '.'])),
  'connection-closed': ({ peerId, ending }) => plain('We left ', { peerId }, after(ending)),
  'connection-lost': ({ peerId, ending }) =>
    warning('Lost ', { peerId }, ending.reason.kind === 'lost' ? ': its network failed, or its program ended.' : after(ending)),
  'messages-dropped': ({ peerId, messages }) =>
    warning(`Left out ${formatCount(messages, 'message')} for `, { peerId }, ', which reads too slowly.'),
  'bootstrap-sent': ({ peerId }) => quiet('Asked ', { peerId }, ' for points.'),
  'bootstrap-received': ({ peerId }) => quiet({ peerId }, ' asked us for points.'),
  'advertise-sent': ({ peerId, points }) => quiet(`Advertised ${formatCount(points, 'point')} to `, { peerId }, '.'),
  'advertise-received': ({ peerId, points, taken }) =>
    quiet('Got ', formatCount(points, 'point'), ' from ', { peerId }, `; ${taken === 0 ? 'none was new' : `${taken} new`}.`),
  'swap-request-sent': ({ peerId }) => quiet('Offered a swap to ', { peerId }, '.'),
  'swap-request-received': ({ peerId }) => quiet({ peerId }, ' offered a swap.'),
  'swap-request-ignored': ({ peerId, why }) => quiet('Ignored the swap of ', { peerId }, `: ${why}.`),
  'swap-ack-sent': ({ peerId }) => quiet('Took the swap of ', { peerId }, '.'),
  'swap-ack-received': ({ peerId }) => quiet({ peerId }, ' took our swap.'),
  'swap-success': ({ peerId, gained }) => plain('A swap with ', { peerId }, ' brought ', { peerId: gained }, '.'),
  'swap-failure': ({ peerId, why }) => quiet('A swap with ', { peerId }, ` failed: ${shortenIds(why)}.`),
  'peer-banned': ({ peerId }) => warning('Banned ', { peerId }, '.'),
  'peer-unbanned': ({ peerId }) => plain('Lifted the ban of ', { peerId }, '.'),
  'host-banned': ({ host }) => warning(`Banned the host ${formatHost(host)}.`),
  'host-unbanned': ({ host }) => plain(`Lifted the ban of the host ${formatHost(host)}.`),
  'range-banned': ({ range }) => warning(`Banned the addresses ${range}.`),
  'range-unbanned': ({ range }) => plain(`Lifted the ban of the addresses ${range}.`),
  greylisted: ({ peerId, host, cause }) => warning('Greylisted ', ...culprit(peerId, host), `: ${shortenIds(cause)}.`),
  'peer-reported': ({ peerId, kind, reason }) =>
    warning('Reported ', { peerId }, ` as ${kind === 'fault' ? 'wrong' : kind}: ${shortenIds(reason)}.`),
  'trust-changed': ({ peerId, point, trusted }) => plain(trusted ? 'Trust given to ' : 'Trust taken from ', ...who(peerId, point), '.'),
  'link-budget': ({ used, max, state }) =>
    warning(
      `This page made many WebRTC connections lately (${used} of ${max}): `,
      state === 'spent' ? 'it makes no more for a while.' : 'it makes them slowly for a while.'
    ),
  'own-points-changed': ({ points }) =>
    points.length === 0
      ? warning('No peer can reach us at the moment.')
      : good(`Others can now reach us at ${formatCount(points.length, 'point')}.`),
  'storage-failed': ({ storage, message, quarantinedAs }) =>
    warning(
      `Storage ${storage} failed: ${message}${quarantinedAs === undefined ? '' : ` (quarantined as ${quarantinedAs})`}. Going on in memory.`
    ),
  'storage-loaded': ({ peers, points, dropped }) =>
    plain(
      `Remembered ${formatCount(peers, 'peer')} and ${formatCount(points, 'point')} from last time`,
      dropped === 0 ? '.' : `; ${formatCount(dropped, 'bad entry', 'bad entries')} dropped.`
    ),
  'storage-saved': ({ storage, tookMs }) => plain(`Storage ${storage} saved what had changed, in ${Math.ceil(tookMs)} ms.`),
  'storage-recovered': ({ storage }) => good(`Storage ${storage} works again.`)
}

/** What a person wants to hear of without asking; the rest is what the pool does to bring it about, retries above all. */
const newsEvents: ReadonlySet<ShownEventName> = new Set<ShownEventName>([
  ...(['connection-opened', 'connection-closed', 'connection-lost'] as const),
  ...(['band-changed', 'own-points-changed', 'link-budget', 'messages-dropped', 'trust-changed'] as const),
  ...(['peer-banned', 'peer-unbanned', 'host-banned', 'host-unbanned', 'range-banned', 'range-unbanned'] as const),
  ...(['greylisted', 'peer-reported', 'storage-failed', 'storage-loaded', 'storage-recovered'] as const)
])

export function isNews(name: ShownEventName): boolean {
  return newsEvents.has(name)
}

type BandView = Pick<PoolSnapshot, 'active' | 'bounds' | 'status'>

/** The count of connections entered its band, or left it. Not while the pool starts or stops. */
export function bandNews(
  before: BandView | undefined,
  after: BandView
): { readonly name: string; readonly sentence: Sentence } | undefined {
  const now = placeInBand(after)
  if (now === undefined || now === (before === undefined ? 'below' : placeInBand(before))) return undefined
  const { active, bounds } = after
  const have = formatCount(active, 'connection')
  const right = bounds.aim === bounds.maxTarget ? `${bounds.aim} are right` : `${bounds.aim} to ${bounds.maxTarget} are right`
  if (now === 'inside')
    return { name: 'band-reached', sentence: good(`In the band: ${have}${active < bounds.aim ? ', with room for more' : ''}; ${right}.`) }
  const what = now === 'below' ? `fewer than ${bounds.minTarget}: looking for peers` : `more than ${bounds.maxTarget}: closing some`
  return { name: 'band-lost', sentence: warning(`Out of the band: ${have}, ${what}.`) }
}

function placeInBand({ active, bounds, status }: BandView): 'below' | 'inside' | 'above' | undefined {
  if (status !== 'running' && status !== 'suspended') return undefined
  if (active < bounds.minTarget) return 'below'
  return active > bounds.maxTarget ? 'above' : 'inside'
}

/** Every event the log hears. */
export const shownEvents = Object.keys(sentences) as ShownEventName[]

export function tellEvent<Name extends ShownEventName>(name: Name, detail: PoolEvents[Name]): Sentence {
  // TypeScript cannot see that the function and the detail have the same name.
  return (sentences[name] as unknown as SentenceOf<Name>)(detail)
}

/** For the filter: full ids and points, so that either form is found. */
export function plainText({ pieces }: Sentence): string {
  return pieces.map((piece) => (typeof piece === 'string' ? piece : 'peerId' in piece ? piece.peerId : piece.point)).join('')
}

/** What a person can do about a dial that failed. One sentence, or nothing if there is nothing to do. */
export function adviceFor(rejection: Rejection): string {
  switch (rejection.kind) {
    case 'point-banned':
    case 'peer-banned':
      return 'Lift the ban under “Bans”, then dial again.'
    case 'too-many-connections':
      return 'Disconnect a peer first, or wait until a place is free.'
    case 'host-dial-limit':
    case 'too-many-handshakes':
    case 'pending':
      return 'Wait a few seconds, then look again.'
    case 'private-mode':
      return 'Trust the point or the peer first.'
    case 'already-connected':
      return 'Nothing to do: it is in the list of connections.'
    case 'myself':
      return 'Dial the address of another peer.'
    case 'table-full':
      return 'Forget some points or peers first.'
    case 'dial-failed':
      return dialAdvice[rejection.failure]
    case 'unexpected-peer-id':
      return 'Another peer answers there. Ask for the current address, or dial it without /p2p/….'
    case 'unknown-network':
      return 'That peer is on another network. Peers meet only if both use the same network name.'
    case 'no-common-version':
      return 'One of the two sides must be updated.'
    case 'rejected-by-peer':
      return 'The peer is there but does not want us now. The pool will try again by itself.'
    case 'not-admitted':
      return 'The application refused this peer. It asks again later by itself.'
    case 'timeout':
      return 'The peer may be gone, or a firewall in between. Check the address, or try again.'
    case 'link-lost':
      return 'It may have refused us, or the network failed. Try again in a moment.'
    case 'fault':
      return 'The peer is on the greylist now: its software is broken or means harm.'
    case 'cancelled':
      return ''
  }
}

const dialAdvice: Readonly<Record<DialFailure, string>> = {
  refused: 'Is the peer running, and the port right?',
  unreachable: 'Check the address and your network.',
  timeout: 'The peer may be gone, or a firewall in between. Check the address, or try again.',
  'wrong-peer-id': 'Another peer answers there. Ask for the current address.',
  'no-transport': 'A page can dial /ws, /wss and /webrtc addresses; plain TCP is for Node peers.',
  myself: 'That address is this page itself.',
  denied: 'Our own rules forbid it: look under “Bans”.',
  'no-pool': 'Something answers there, but it is not a peer of this pool.',
  aborted: '',
  other: 'Check the address, or try again.'
}

/** A line of a peer's history. Kinds of a later version are shown as they are. */
export function historyWords(kind: string): string {
  return (historyKinds as Readonly<Record<string, string>>)[kind] ?? kind
}

const historyKinds: Readonly<Record<HistoryKind, string>> = {
  'handshake-started': 'It asked for a connection.',
  'handshake-refused': 'We refused it.',
  'connection-failed': 'It refused, or could not be reached.',
  'connection-opened': 'Connected.',
  'connection-closed': 'We left.',
  'connection-lost': 'It left, or the network failed.'
}

/** How a point came, when no peer advertised it. */
export function mediumWords(discoverySource: string): string {
  if (discoverySource === 'operator') return 'named here'
  return discoverySource === 'storage' ? 'remembered from last time' : `by ${discoverySource}`
}

function who(peerId: PeerId | undefined, point: Point | undefined): readonly Piece[] {
  if (peerId !== undefined && point !== undefined) return [{ peerId }, ' at ', { point }]
  if (peerId !== undefined) return [{ peerId }]
  return [point === undefined ? 'an unknown peer' : { point }]
}

function culprit(peerId: PeerId | undefined, host: Host | undefined): readonly Piece[] {
  const where = host === undefined ? '' : `the host ${formatHost(host)}`
  if (peerId === undefined) return [where === '' ? 'an unknown peer' : where]
  return where === '' ? [{ peerId }] : [{ peerId }, ` and ${where}`]
}

function because(rejection: Rejection): string {
  return `: ${shortenIds(describeRejection(rejection))}.`
}

function after(ending: Ending): string {
  return `: ${shortenIds(describeReason(ending.reason))}.`
}

function good(...pieces: Piece[]): Sentence {
  return { tone: 'good', pieces }
}

function plain(...pieces: Piece[]): Sentence {
  return { tone: 'plain', pieces }
}

function quiet(...pieces: Piece[]): Sentence {
  return { tone: 'quiet', pieces }
}

function warning(...pieces: Piece[]): Sentence {
  return { tone: 'warning', pieces }
}
