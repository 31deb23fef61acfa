/**
 * Invitations: a peer that runs makes a text, by which a newcomer joins through that peer alone. The newcomer dials the points in it. If none leads
 * there, it makes an answer, which a person carries back. Loaded with the first `invite` or `join`.
 *
 * A text of an unknown peer changes nothing but this: its points are dialed once, as an unknown peer's, and one connection is tried.
 */

import type { AttemptRecord } from '../tables/attempt.ts'
import { callable, figure, recordOf, signal as signalArgument, text as textArgument, whole } from '../values/arguments.ts'
import type { PeerId } from '../values/ids.ts'
import type { Invitation, InviteOptions, JoinOptions } from '../values/invitation.ts'
import { type InvitationContent, quoted, readInvitation, refuseText, writeAnswer, writeInvitation } from '../values/invitation-text.ts'
import { DialError, type Link, type SignallingOffer } from '../values/ports.ts'
import { messageOf, PoolError, type Rejection } from '../values/reason.ts'
import { abortLink } from './closing.ts'
import type { Connector } from './connect.ts'
import type { FlowConnection, FlowContext, OpenInvitations } from './context.ts'
import { arrivalOf, OpenInvitation } from './open-invitation.ts'
import { abortable, deadline, within } from './waits.ts'

/** An invitation holds no longer, ms. */
const maxInvitationMs = 86_400_000
/** Invitations that are open at once; each may hold a connection of WebRTC. */
const maxOpen = 8
/** Joins at once. */
const maxJoining = 8
/** Points through common peers in one invitation. */
const maxIntroduced = 2
/** The network makes an offer or an answer in that time, ms. */
const signallingWithinMs = 5_000

/** Refusals of the other peer, or of ours: another way to it would end the same. */
const final: ReadonlySet<Rejection['kind']> = new Set([
  ...(['rejected-by-peer', 'not-admitted', 'peer-banned', 'private-mode', 'too-many-connections', 'table-full'] as const),
  ...(['unknown-network', 'no-common-version', 'fault'] as const)
])

const nobodyCanFollow =
  'no address leads to this peer, and it has no WebRTC now: listen at an address, connect with a peer first, or use webRtc'

const code = 'invalid-argument'
const inviteOptions = recordOf({ forMs: figure(1_000, maxInvitationMs), uses: whole(1, 100), signal: signalArgument })
const joinOptions = recordOf({ onAnswer: callable, signal: signalArgument })

/** What invitations need of the pool beside the context. */
export interface InvitationHost {
  readonly connector: Connector
  /** Throws `PoolError` `not-started` or `destroyed`. */
  mustRun(verb: string): void
}

/** The invitations of a pool, made at the first call. */
export function invitationsOf(context: FlowContext, host: InvitationHost): OpenInvitations {
  context.invitations ??= new Invitations(context, host)
  return context.invitations
}

class Invitations implements OpenInvitations {
  readonly #context: FlowContext
  readonly #host: InvitationHost
  readonly #open = new Map<string, OpenInvitation>()
  /** Being made. */
  #making = 0
  /** Invitations that we follow, by the peers that made them. */
  readonly #joining = new Map<PeerId, string>()
  /** Attempts that hold a use of an invitation of ours, from the Hello that names it to the connection. One that failed gives the use back. */
  readonly #arriving = new Map<AttemptRecord<FlowConnection>, OpenInvitation>()
  #stopped = new AbortController()

  constructor(context: FlowContext, host: InvitationHost) {
    this.#context = context
    this.#host = host
    context.events.addEventListener('connection-opened', ({ detail: { peerId } }) => {
      for (const [attempt, invitation] of this.#arriving) {
        if (attempt.phase !== 'running' || attempt.peerId !== peerId) continue
        this.#arriving.delete(attempt)
        invitation.count()
      }
    })
  }

  namedTo(peerId: PeerId): string {
    return this.#joining.get(peerId) ?? ''
  }

  /** Newcomers that come together must not share one use: each holds one while it shakes hands. */
  invites(attempt: AttemptRecord<FlowConnection>, id: string): boolean {
    const invitation = this.#open.get(id)
    if (invitation === undefined) return false
    let held = 0
    for (const [other, its] of this.#arriving) {
      if (other.phase === 'ended') this.#arriving.delete(other)
      else if (its === invitation) held++
    }
    if (held >= invitation.usesLeft) return false
    this.#arriving.set(attempt, invitation)
    return true
  }

  end(): void {
    for (const invitation of [...this.#open.values()]) invitation.end()
    this.#stopped.abort(new PoolError('not-started', 'the pool was stopped'))
    this.#stopped = new AbortController()
  }

  async invite(options: InviteOptions): Promise<Invitation> {
    const { clock, config, random, state } = this.#context
    const { forMs = 900_000, uses = 1, signal } = inviteOptions(options, { code, name: 'invite' }) as InviteOptions
    this.#mayGoOn('invite', signal)
    if (this.#open.size + this.#making >= maxOpen)
      throw new PoolError('too-many-waiting', `invite: ${maxOpen} invitations are open; end one of them first`)
    this.#making++
    let offer: SignallingOffer | undefined
    try {
      offer = await this.#makeOffer(signal)
      this.#mayGoOn('invite', signal)
      const points = this.#ownPoints()
      if (offer === undefined && points.length === 0) throw new PoolError('invalid-invitation', `invite: ${nobodyCanFollow}`)
      const id = Array.from(random.bytes(8), (byte) => byte.toString(16).padStart(2, '0')).join('')
      const expiresAt = Math.ceil((clock.date() + forMs) / 1_000) * 1_000
      const { peerId } = state
      const text = writeInvitation({ id, expiresAt, network: config.network, peerId, points, offer: offer?.text ?? '' })
      const hasPoints = readInvitation(text).points.length > 0
      const ended = (): void => void this.#open.delete(id)
      const invitation = new OpenInvitation(this.#context, { text, id, expiresAt, uses, offer, hasPoints, signal, ended })
      this.#open.set(id, invitation)
      return invitation
    } catch (error) {
      offer?.end()
      throw error
    } finally {
      this.#making--
    }
  }

  async join(text: string, options: JoinOptions): Promise<PeerId> {
    const { clock, state } = this.#context
    textArgument(text, { code, name: 'join' })
    const { onAnswer, signal } = joinOptions(options, { code, name: 'join' }) as JoinOptions
    this.#mayGoOn('join', signal)
    const invitation = this.#read(text)
    const { peerId, expiresAt } = invitation
    if (state.connection(peerId) !== undefined) return peerId
    if (this.#joining.size >= maxJoining || this.#joining.has(peerId))
      throw new PoolError('too-many-waiting', `join: ${this.#joining.size} invitations are being followed already, or one of ${peerId}`)
    this.#joining.set(peerId, invitation.id)
    const done = new AbortController()
    const reason = new PoolError('invalid-invitation', 'join: the invitation has expired')
    const given = [done.signal, this.#stopped.signal, ...(signal === undefined ? [] : [signal])]
    const wait = deadline(clock, Math.min(expiresAt - clock.date(), maxInvitationMs), { given, reason })
    const arrival = arrivalOf(peerId, this.#context)
    const arrived = arrival.promise.catch(() => new Promise<never>(() => undefined))
    try {
      await abortable(Promise.race([arrived, this.#reach(invitation, onAnswer, wait.signal)]), wait.signal)
      return peerId
    } finally {
      done.abort()
      wait.cancel()
      arrival.forget()
      this.#joining.delete(peerId)
    }
  }

  /** Throws where the pool must not, or the caller does not want it any more. */
  #mayGoOn(verb: string, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    this.#host.mustRun(verb)
  }

  #read(text: string): InvitationContent {
    const { clock, config, network, state } = this.#context
    const invitation = readInvitation(text)
    const { peerId, expiresAt } = invitation
    if (network.tryParsePeerId(peerId) !== peerId) refuseText('the invitation is damaged')
    if (peerId === state.peerId) refuseText('the invitation is our own')
    if (invitation.network !== config.network)
      refuseText(`expected an invitation to the network ${config.network}, got one to ${quoted(invitation.network)}`)
    if (clock.date() >= expiresAt) refuseText(`the invitation expired ${ago(clock.date() - expiresAt)}: ask for a new one`)
    return invitation
  }

  /** An offer is worth having, and no more: without it the points are left. */
  async #makeOffer(given: AbortSignal | undefined): Promise<SignallingOffer | undefined> {
    const { clock, network, log } = this.#context
    const late = deadline(clock, signallingWithinMs, { given: given === undefined ? [] : [given] })
    try {
      const signalling = await network.copiedSignalling?.()
      if (signalling === undefined) return undefined
      const making = signalling.offer(late.signal)
      making.then((offer) => late.signal.aborted && offer.end()).catch(() => undefined)
      return await abortable(making, late.signal)
    } catch (error) {
      if (!(error instanceof DialError) && !late.signal.aborted) log.error('no offer for an invitation', error)
      return undefined
    } finally {
      late.cancel()
    }
  }

  /** Ours, and those through peers that we run with: who is connected with such a peer, too, needs no answer. */
  #ownPoints(): string[] {
    const { network, config, state } = this.#context
    const introduced = config.introductions
      ? [...state.connections()]
          .filter(({ discovery, isPrivate, kind }) => discovery && !isPrivate && kind !== 'plain')
          .slice(0, maxIntroduced)
          .map(({ peerId }) => `/p2p/${peerId}/p2p-circuit/webrtc/p2p/${state.peerId}`)
      : []
    return [...network.ownPoints(), ...introduced]
  }

  /** Resolves when the inviting peer is connected. */
  async #reach(invitation: InvitationContent, onAnswer: JoinOptions['onAnswer'], signal: AbortSignal): Promise<void> {
    const { peerId } = invitation
    let lastError: unknown
    for (const text of invitation.points) {
      try {
        if (await this.#dial(text, peerId, signal)) return
      } catch (error) {
        signal.throwIfAborted()
        const kind = error instanceof PoolError ? error.rejection?.kind : undefined
        if (kind === 'already-connected') return
        if (kind === undefined || final.has(kind)) throw error
        lastError = error
      }
    }
    if (onAnswer === undefined || invitation.offer === '') {
      const isPublicOnly = invitation.points.length > 0 && !this.#context.config.allowPrivatePoints
      const detail = `no address of the invitation can be dialed${isPublicOnly ? ' (private ones need allowPrivatePoints)' : ''}${
        invitation.offer === '' ? '' : ', and join was given no onAnswer'
      }`
      throw lastError ?? PoolError.rejected({ kind: 'dial-failed', failure: 'no-transport', detail })
    }
    this.#mustHaveSlot(peerId)
    try {
      const { text, link } = await this.#answer(invitation, signal)
      onAnswer(writeAnswer({ id: invitation.id, peerId: this.#context.state.peerId, answer: text }))
      await this.#adopt(await link, peerId, signal)
    } catch (error) {
      if (signal.aborted || !(error instanceof DialError)) throw error
      throw PoolError.rejected({ kind: 'dial-failed', failure: error.failure, detail: messageOf(error) }, error)
    }
  }

  /** False: it may not be dialed. A point of the text is one that an unknown peer advertised, and goes unless it led there. */
  async #dial(text: string, peerId: PeerId, signal: AbortSignal): Promise<boolean> {
    const { network, state } = this.#context
    const parsed = network.tryParsePoint(text)
    if (parsed === undefined || (parsed.expectedPeerId ?? peerId) !== peerId || !network.canDial(parsed.point)) return false
    const { point } = parsed
    const isNew = state.points.get(point) === undefined
    if (isNew) state.claims.learn([{ point, expectedPeerId: undefined }], { peerId, host: undefined, discoverySource: 'advertise' })
    if (state.points.get(point) === undefined) return false
    try {
      await this.#host.connector.dial(point, peerId, signal)
      return true
    } finally {
      if (isNew && state.points.get(point)?.state.kind === 'disconnected') state.points.forget(point)
    }
  }

  async #answer(
    { offer, peerId }: InvitationContent,
    signal: AbortSignal
  ): Promise<{ readonly text: string; readonly link: Promise<Link> }> {
    const { clock, network } = this.#context
    const signalling = await network.copiedSignalling?.()
    signal.throwIfAborted()
    if (signalling === undefined) throw new DialError('no-transport', 'this peer cannot make an answer: it has no WebRTC')
    const late = new DialError('timeout', `no answer was made within ${signallingWithinMs} ms`)
    const made = await within(signalling.answer(offer, { peerId, signal }), { clock, ms: signallingWithinMs, late })
    made.link.catch(() => undefined) // reported below, where it is waited for
    return made
  }

  /** The link is there: the rest is an attempt like that of a dial. */
  async #adopt(link: Link, peerId: PeerId, signal: AbortSignal): Promise<void> {
    const { state } = this.#context
    try {
      signal.throwIfAborted()
      this.#mustHaveSlot(peerId)
    } catch (error) {
      abortLink(link, messageOf(error))
      throw error
    }
    const attempt = state.beginOutgoing({ point: undefined, host: link.host, transport: link.transport }, peerId)
    await this.#host.connector.carryOut(attempt, { signal }, () => Promise.resolve(link))
  }

  /** Checked again with the link: a person has carried the answer meanwhile. */
  #mustHaveSlot(peerId: PeerId): void {
    const { state, config } = this.#context
    const isKeptOut = state.access.peerBlock(peerId) !== undefined
    const isUntrusted = config.privateMode && !state.access.isTrusted(peerId, undefined)
    const rejection: Rejection | undefined = isKeptOut
      ? { kind: 'peer-banned', peerId }
      : isUntrusted
        ? { kind: 'private-mode' }
        : state.slotsTaken >= state.band.max
          ? { kind: 'too-many-connections' }
          : undefined
    if (rejection !== undefined) throw PoolError.rejected(rejection)
  }
}

function ago(ms: number): string {
  const [minutes, hours] = [Math.floor(ms / 60_000), Math.floor(ms / 3_600_000)]
  if (minutes < 1) return 'just now'
  const [count, unit] = minutes < 120 ? [minutes, 'minute'] : hours < 48 ? [hours, 'hour'] : [Math.floor(hours / 24), 'day']
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`
}
