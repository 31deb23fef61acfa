/** Which of libp2p's addresses of this node are advertised to others, followed while the pool runs. Used by `network.ts`. */
import type { Libp2pEvents, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Guard } from '../core/flows/guards.ts'
import { type PointAddress, readPoint, scopeOf } from '../core/values/address.ts'
import type { Point } from '../core/values/ids.ts'
import { tryParsePoint } from './point.ts'

/** Own points that are advertised; the rest is dropped. */
const maxOwnPoints = 32
/** After these the addresses may be others. */
const addressEvents = ['self:peer:update', 'transport:listening', 'transport:close'] as const

export interface OwnPointsComponents {
  readonly addressManager: Pick<AddressManager, 'getAddresses'>
  readonly events: TypedEventTarget<Libp2pEvents>
}

export class OwnPoints {
  readonly #components: OwnPointsComponents
  readonly #options: { readonly guard: Guard; readonly isReachable: (relayed: Point) => boolean }
  /** As of the last change: to ask libp2p anew takes as long as all else that a Hello needs. */
  #points: readonly Point[] = []
  #changed: ((points: readonly Point[], isFirst: boolean) => void) | undefined

  /** `isReachable`: whether others reach us at this relayed point. */
  constructor(components: OwnPointsComponents, options: { guard: Guard; isReachable: (relayed: Point) => boolean }) {
    this.#components = components
    this.#options = options
  }

  get points(): readonly Point[] {
    return this.#changed === undefined ? this.#find() : this.#points
  }

  /** Calls with the points of now, then after each change. */
  start(changed: (points: readonly Point[], isFirst: boolean) => void): void {
    this.#points = this.#find()
    this.#changed = changed
    for (const name of addressEvents) this.#components.events.addEventListener(name, this.look)
    changed(this.#points, true)
  }

  stop(): void {
    this.#changed = undefined
    for (const name of addressEvents) this.#components.events.removeEventListener(name, this.look)
  }

  /** The points may have changed. */
  readonly look = (): void => {
    const points = this.#options.guard.call('a change of addresses', () => this.#find(), this.#points)
    if (points.join() === this.#points.join()) return
    this.#points = points
    this.#changed?.(points, false)
  }

  #find(): readonly Point[] {
    return ownPointsOf(this.#components.addressManager.getAddresses(), this.#options.isReachable)
  }
}

/** The best first. `isReachable`: whether others reach us at this relayed point. */
export function ownPointsOf(addresses: readonly Multiaddr[], isReachable: (relayed: Point) => boolean): Point[] {
  const points = new Map<Point, PointAddress>()
  for (const address of addresses) {
    const point = ownPointOf(address)
    if (point === undefined) continue
    const own = readPoint(point)
    // Links run on direct connections only, so a relay alone is no way to us. Nor is a relay's TCP address a way to a page:
    // a peer that can dial pages can dial what we dial.
    if (own.transport !== 'circuit' && (!own.isRelayed || isReachable(point))) points.set(point, own)
  }
  const best = [...points.values()].sort((a, b) => rank(a) - rank(b))
  return best.slice(0, maxOwnPoints).map(({ point }) => point)
}

/**
 * Where libp2p has a certificate for a name of ours, it announces our IP address with the name in `/sni`. Others dial that name, so
 * it is the host of the point.
 */
function ownPointOf(address: Multiaddr): Point | undefined {
  const text = address.toString().replace(/^\/ip([46])\/[^/]+(\/tcp\/\d+\/tls)\/sni\/([^/]+)\/ws/, '/dns$1/$3$2/ws')
  return tryParsePoint(text)?.point
}

/** What anybody can reach comes first, then what the same network can, then what the same machine can. */
function rank({ hop: { host } }: PointAddress): number {
  const scope = host === undefined ? 'unroutable' : scopeOf(host)
  return ['name', 'public', 'private', 'link-local', 'loopback', 'unroutable'].indexOf(scope)
}
