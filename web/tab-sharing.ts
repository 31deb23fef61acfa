/** What a program sets when it shares a pool between tabs, and what it gets. Used by `shared-pool.ts` and `tab-session.ts`. */
import type { ServiceMap } from '@libp2p/interface'
import { callable, oneOf, type Shape } from '../src/core/values/arguments.ts'
import { type PoolEvents, poolEventNames } from '../src/core/values/events.ts'
import type { PeerId } from '../src/core/values/ids.ts'
import type { NoServices } from '../src/libp2p/libp2p-parts.ts'
import { type TabPeer, type TabPeerInit, tabPeerOptions } from './tab-peer.ts'

/** `owner`: the pool runs in this tab. `follower`: in another one, or in none at the moment. */
export type TabRole = 'owner' | 'follower'

/** Options of `createWebPeer`. */
export interface WebPeerInit<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array, Services extends ServiceMap = NoServices>
  extends TabPeerInit<Msg, PeerMeta, ConnMeta, Services> {
  /**
   * `share`: the tabs of this site with the same `name` are one peer; the pool runs in one of them, and in another one when that goes. `own`:
   * each tab is a peer of its own. @default 'share'
   */
  readonly tabs?: 'share' | 'own'
  /**
   * Called each time that the pool begins to run in this tab, with the real node and pool; the signal fires when it runs here no
   * more. For what must be done once per site, beside the pool: all else works in every tab.
   */
  readonly onOwner?: (peer: TabPeer<Msg, PeerMeta, ConnMeta, Services>, over: AbortSignal) => void
}

/** What each option may be. */
export const webPeerOptions: Shape<WebPeerInit> = { ...tabPeerOptions, tabs: oneOf('share', 'own'), onOwner: callable }

/** Events of the pool, wherever it runs, and these. In tabs that are hidden only the latter, and `change` when they are seen again. */
export interface SharedPoolEvents<Msg = Uint8Array> extends PoolEvents {
  /** `hasOwner`: the pool runs, in this tab or another one. False: this tab knows of none, and shows what was last known. */
  'role-changed': { readonly role: TabRole; readonly hasOwner: boolean }
  /**
   * A message of a peer, in order; a tab that opens later does not get what came before. Once any tab listens to this, the owner reads
   * all messages at once; `onOwner` must not read `connection.messages` then.
   */
  message: { readonly peerId: PeerId; readonly message: Msg }
  /** Another tab has a newer or older version of the page, and they do not understand each other; once for each version. */
  'other-version': { readonly ours: number; readonly theirs: unknown }
  /** It was this tab's turn, but node or pool did not start. It is tried again, here or in another tab. */
  'owner-failed': { readonly message: string }
}

/** Every name, for checks of what callers ask for. */
export const sharedEventNames: Readonly<Record<keyof SharedPoolEvents, true>> = {
  ...poolEventNames,
  'role-changed': true,
  message: true,
  'other-version': true,
  'owner-failed': true
}
