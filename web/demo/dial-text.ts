/** What a person may paste into "Connect to an address" beside an address of libp2p: a WebSocket URL, or the id of a known peer. Pure. */
import type { PeerId, Point, PoolSnapshot } from '../../src/core/index.ts'

/** A point of a known peer that a page can dial: where it was met last, else where it is said to be. */
export function pointOf({ peers, points }: Pick<PoolSnapshot, 'peers' | 'points'>, peerId: PeerId): Point | undefined {
  const last = peers.find((one) => one.peerId === peerId)?.lastSeenPoint
  if (last != null) return last
  return points.find((one) => one.peerId === peerId && /\/(ws|wss|webrtc)(\/|$)/.test(one.point))?.point
}

/** The address that a text stands for; the text itself for whatever else it is. */
export function addressIn(text: string, snapshot: Pick<PoolSnapshot, 'peers' | 'points'> | undefined): string {
  const known = snapshot === undefined ? undefined : pointOf(snapshot, text as PeerId)
  return known ?? addressOfUrl(text) ?? text
}

/** `wss://example.org:4001` is `/dns/example.org/tcp/4001/tls/ws`. Paths have no form as an address. */
function addressOfUrl(text: string): string | undefined {
  if (!/^wss?:\/\//i.test(text) || !URL.canParse(text)) return undefined
  const { protocol, hostname, port, pathname } = new URL(text)
  if (pathname !== '/' || hostname === '') return undefined
  const isSecure = protocol === 'wss:'
  const host = hostname.startsWith('[')
    ? `/ip6/${hostname.slice(1, -1)}`
    : /^[\d.]+$/.test(hostname)
      ? `/ip4/${hostname}`
      : `/dns/${hostname}`
  return `${host}/tcp/${port || (isSecure ? 443 : 80)}${isSecure ? '/tls' : ''}/ws`
}
