/**
 * What the buttons of the rows ask of the pool. Each says what it did and how to undo it; what fails is said too, never
 * thrown.
 */
import type { Host, PeerId, Point } from '../../src/core/index.ts'
import { formatClock, formatHost, shortenIds } from './format.ts'
import { nameOf } from './names.ts'
import type { Page } from './page.ts'

/** Neither side dials the other for about a minute; the page lists the peer until then. */
export function disconnectPeer({ pool, notices, leaveAlone }: Page, peerId: PeerId): void {
  void notices.run(`Could not disconnect ${nameOf(peerId)}`, async () => {
    await pool.disconnect(peerId, 'closed by the person at this page')
    leaveAlone(peerId)
    const isOurRelay = pool.snapshot()?.ownPoints.some((point) => point.includes(`/p2p/${peerId}/p2p-circuit`))
    if (isOurRelay === true) notices.say({ text: `${nameOf(peerId)} still holds a relay reservation: other pages reach this one by it.` })
  })
}

/** `endsAt`: wall clock, ms; none: until it is lifted. */
export function banPeer({ pool, notices }: Page, peerId: PeerId, endsAt?: number): void {
  void notices.run(`Could not ban ${nameOf(peerId)}`, async () => {
    await pool.peers.ban(peerId, endsAt === undefined ? {} : { endsAt })
    const until = endsAt === undefined ? 'until you lift the ban' : `until ${formatClock(endsAt)}, or until you lift the ban`
    notices.say({ text: `Banned ${nameOf(peerId)}: it is kept out ${until}.`, undo: () => pool.peers.unban(peerId) })
  })
}

export function unbanPeer({ pool, notices }: Page, peerId: PeerId): void {
  void notices.run(`Could not lift the ban of ${nameOf(peerId)}`, async () => {
    await pool.peers.unban(peerId)
    notices.say({ text: `${nameOf(peerId)} may come back.` })
  })
}

export function trustPeer({ pool, notices }: Page, peerId: PeerId, trusted: boolean): void {
  void notices.run(`Could not change the trust in ${nameOf(peerId)}`, () =>
    trusted ? pool.peers.trust(peerId) : pool.peers.untrust(peerId)
  )
}

/** A person's own request ignores back-offs; how it went is in the log and in the row, so only a failure is said. */
export function connectPoint({ pool, notices }: Page, point: Point): void {
  void notices.run(`Could not connect to ${shortenIds(point)}`, async () => {
    await pool.connect(point)
  })
}

export function trustPoint({ pool, notices }: Page, point: Point, trusted: boolean): void {
  void notices.run(`Could not change the trust in ${shortenIds(point)}`, () =>
    trusted ? pool.points.trust(point) : pool.points.untrust(point)
  )
}

/** Whatever the port, and with the peers connected from there. */
export function banHost({ pool, notices }: Page, host: Host): void {
  void notices.run(`Could not ban ${formatHost(host)}`, async () => {
    await pool.points.banHost(host)
    notices.say({
      text: `Banned the host ${formatHost(host)}, and the peers connected from there.`,
      undo: () => pool.points.unbanHost(host)
    })
  })
}

/** Of a host, or of a whole range. */
export function unbanHost({ pool, notices }: Page, host: Host): void {
  void notices.run(`Could not lift the ban of ${formatHost(host)}`, async () => {
    await (host.includes('/') ? pool.points.unbanRange(host) : pool.points.unbanHost(host))
    notices.say({ text: `${formatHost(host)} may come back, and the peers banned with it.` })
  })
}

export function forgetPoint({ pool, notices }: Page, point: Point): void {
  void notices.run(`Could not forget ${shortenIds(point)}`, async () => {
    await pool.unregisterPoint(point)
    notices.say({ text: `Forgot ${shortenIds(point)}.`, undo: () => pool.registerPoint(point) })
  })
}
