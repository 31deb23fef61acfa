/**
 * Incoming connections that have not proved yet who they are, by host. libp2p bounds them all together and counts those that say
 * nothing, so that one silent host would keep all others out; here each host has a share. Asked by the gater.
 */
import type { MultiaddrConnection } from '@libp2p/interface'
import type { Host } from '../core/values/ids.ts'

/** Half of what libp2p allows all hosts together unless set otherwise: then one host alone cannot take all places. */
const maxPerHost = 5

export class Unproven {
  /** Hosts with such connections, and how many each has; an entry goes with the last of them. Bounded by libp2p's own limit. */
  readonly #counts = new Map<Host, number>()
  readonly #hosts = new WeakMap<MultiaddrConnection, Host>()

  /** Takes a place until the connection is `proved` or closes; false: its host has no more. */
  takes(link: MultiaddrConnection, host: Host | undefined): boolean {
    if (host === undefined) return true
    const count = this.#counts.get(host) ?? 0
    if (count >= maxPerHost) return false
    this.#counts.set(host, count + 1)
    this.#hosts.set(link, host)
    link.addEventListener('close', () => this.proved(link), { once: true })
    return true
  }

  /** It is past libp2p's handshake. */
  proved(link: MultiaddrConnection): void {
    const host = this.#hosts.get(link)
    if (host === undefined) return
    this.#hosts.delete(link)
    const left = (this.#counts.get(host) ?? 1) - 1
    if (left > 0) this.#counts.set(host, left)
    else this.#counts.delete(host)
  }
}
