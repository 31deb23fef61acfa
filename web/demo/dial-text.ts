/**
 * What a person may paste into "Connect to a peer" beside an address of libp2p: a WebSocket URL, or the id of a known peer. What cannot be
 * dialed is explained before anything is tried. Pure.
 */
import type { PeerId, Point, PoolSnapshot } from '../../src/core/index.ts'
import { shortId } from './format.ts'

export type DialText =
  /** For `parsePoint`, which may still refuse it. */
  | { readonly address: string }
  /** A sentence, and what to do instead. */
  | { readonly problem: string; readonly advice: string }

type Known = Pick<PoolSnapshot, 'peerId' | 'peers' | 'points'>

const pageAddress = /\/(ws|wss|webrtc)(\/|$)/
const peerIdText = /^(12D3KooW|16Uiu2|Qm)[1-9A-HJ-NP-Za-km-z]{20,60}$/
/** As this page shortens ids, or the beginning of one. */
const shortIdText = /^(…|\.\.\.)[1-9A-HJ-NP-Za-km-z]{4,40}…?$|^(12D3KooW|16Uiu2)[1-9A-HJ-NP-Za-km-z]{0,43}(…|\.\.\.)?$/
/** Of a text that is quoted back, characters. */
const maxQuoted = 60

/** A point of a known peer that a page can dial: where it was connected last, else where it is said to be. */
export function pointOf({ peers, points }: Pick<PoolSnapshot, 'peers' | 'points'>, peerId: PeerId): Point | undefined {
  const last = peers.find((one) => one.peerId === peerId)?.lastSeenPoint
  if (last != null) return last
  return points.find((one) => isOf(one, peerId) && pageAddress.test(one.point))?.point
}

function isOf(one: PoolSnapshot['points'][number], peerId: PeerId): boolean {
  return one.peerId === peerId || one.expectedPeerId === peerId
}

/** `isHttps`: the page came over https, so browsers let it open encrypted WebSockets only. */
export function readDialText(text: string, known: Known | undefined, { isHttps = false } = {}): DialText {
  if (text === '')
    return {
      problem: 'There is nothing to dial',
      advice: 'Paste the address of a peer, for instance one that another page shows as its own.'
    }
  // Before whole ids: the pattern of those does not count.
  if (shortIdText.test(text))
    return {
      problem: 'That is only a part of a peer id',
      advice: 'Paste the whole id: it begins with 12D3KooW, and “Copy” in the sheet of a peer gives it.'
    }
  if (peerIdText.test(text)) return readPeerId(text as PeerId, known)
  if (text.startsWith('/')) return { address: text }
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(text)) return readUrl(text, isHttps)
  return {
    problem: `“${text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text}” is no address of a peer`,
    advice:
      'An address begins with a slash, as /dns4/example.org/tcp/443/wss does. A ws:// or wss:// URL and the id of a known peer work too.'
  }
}

function readPeerId(peerId: PeerId, known: Known | undefined): DialText {
  if (known?.peerId === peerId) return { problem: 'That is the id of this page', advice: 'Paste the id of another peer.' }
  const point = known === undefined ? undefined : pointOf(known, peerId)
  if (point !== undefined) return { address: point }
  const isKnown = known?.points.some((one) => isOf(one, peerId)) === true
  return isKnown
    ? {
        problem: `A page cannot dial any known address of ${shortId(peerId)}`,
        advice: 'Pages dial /ws, /wss and /webrtc addresses. Ask for such a one.'
      }
    : { problem: `No address of ${shortId(peerId)} is known`, advice: 'Paste one of its addresses, or wait until a peer advertises it.' }
}

/** `wss://example.org:4001` is `/dns/example.org/tcp/4001/tls/ws`. */
function readUrl(text: string, isHttps: boolean): DialText {
  const advice = 'A WebSocket URL is wss://HOST, wss://HOST:PORT or the same with ws://.'
  if (/^https?:/i.test(text)) return { problem: 'That is the URL of a web page, not of a peer', advice }
  if (!/^wss?:/i.test(text)) return { problem: `Pages do not dial ${text.slice(0, text.indexOf(':')).slice(0, maxQuoted)}: URLs`, advice }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '') return { problem: 'That URL is not complete', advice }
  const { protocol, hostname, port } = url
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '')
    return { problem: 'Peers are dialed at a host and a port; what follows them in the URL cannot be used', advice }
  const isSecure = protocol === 'wss:'
  if (isHttps && !isSecure && !/^(localhost|127\.|\[::1\])/.test(hostname))
    return {
      problem: 'This page came over https, so the browser lets it connect to wss:// URLs only',
      advice: 'Ask for a wss:// URL of that peer.'
    }
  const host = hostname.startsWith('[')
    ? `/ip6/${hostname.slice(1, -1)}`
    : /^[\d.]+$/.test(hostname)
      ? `/ip4/${hostname}`
      : `/dns/${hostname}`
  return { address: `${host}/tcp/${port || (isSecure ? 443 : 80)}${isSecure ? '/tls' : ''}/ws` }
}
