/** Invitations as a program sees them. `flows/invitations.ts` makes them; `invitation-text.ts` reads and writes their texts. */
import type { PeerId } from './ids.ts'

/** What `invite` may be given. */
export interface InviteOptions {
  /** How long the invitation holds, ms; 1000 to 86400000. @default 900000 */
  readonly forMs?: number | undefined
  /**
   * How many newcomers may use it; 1 to 100. One of them may come by an answer that is copied back. The others need a point of ours, by a
   * server or a common peer. @default 1
   */
  readonly uses?: number | undefined
  /** Ends the invitation. */
  readonly signal?: AbortSignal | undefined
}

/** What `join` may be given. */
export interface JoinOptions {
  /**
   * Called once, with a text for the inviting peer, where no point of the invitation leads to it. A person or a program carries it there, to
   * `invitation.accept`. @default none: only the points are dialed
   */
  readonly onAnswer?: ((answer: string) => void) | undefined
  /** Gives up. */
  readonly signal?: AbortSignal | undefined
}

/**
 * An open invitation. It is a convenience and no access rule: its text holds no secret, who has it may try to connect, and the ordinary checks
 * apply. It ends when it expires, when its uses are gone, with `end`, with the signal given to `invite`, and when the pool stops.
 */
export interface Invitation {
  /** The text to hand out: `p2p-pool:1:…`, at most 600 characters. Spaces and line breaks in it do not matter. */
  readonly text: string
  /** When it expires, ms since 1970. */
  readonly expiresAt: number
  /** How many newcomers may still use it; 0 once it has ended. */
  readonly usesLeft: number
  /**
   * Takes the answer of a newcomer, and resolves with its id once its connection runs. One answer only, also if no connection came of it: then the
   * invitation goes on by the addresses in its text, or ends if that has none. For the next newcomer make a new invitation. Rejects with `PoolError`
   * `invalid-invitation` for a text that is no answer to this invitation, which can still take the right one, and when the invitation has ended;
   * with `rejected` when no connection came about within 30 s; or with the signal's reason.
   */
  accept(answer: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<PeerId>
  /** Ends it. Peers that came by it stay. Idempotent. */
  end(): void
}
