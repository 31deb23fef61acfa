/** What both sides of a handshake share: our Hello, reading theirs, and the Nack. A plain peer says nothing, so its words are made here. */
import { protocolVersions } from '../decisions/admission-hello.ts'
import type { ParsedPoint, PeerId, Point } from '../values/ids.ts'
import type { Link, Network, PlainPeer } from '../values/ports.ts'
import { messageOf, nackMotive, type Rejection } from '../values/reason.ts'
import type { PoolSettings } from '../values/settings.ts'
import * as wireCaps from '../wire/caps.ts'
import { WireFault } from '../wire/fault.ts'
import { handshakeLimits } from '../wire/frame.ts'
import type { HelloMessage, MessageOf, PoolMessage } from '../wire/schema.ts'
import type { Channel } from './channel.ts'
import type { FlowContext } from './context.ts'
import { unheard } from './waits.ts'

const nothing = new Uint8Array(0)

/** To this peer. A private pool names no points. */
export function ourHello({ config, network, instance, ownMetadata, invitations }: FlowContext, { peerId }: Link): HelloMessage {
  return {
    kind: 'hello',
    network: config.network,
    protocolVersions,
    applicationVersions: config.applicationVersions,
    isPrivate: config.privateMode,
    discovery: config.discovery,
    points: config.privateMode ? [] : network.ownPoints().slice(0, wireCaps.ownPoints),
    signedPeerRecord: (config.privateMode ? undefined : network.records?.own) ?? nothing,
    instance,
    metadata: ownMetadata(),
    transports: network.transports,
    invitation: invitations?.namedTo(peerId) ?? ''
  }
}

/** Stands for the Hello of a plain peer, so that it passes the same checks. Private, since others would look for a pool there. */
function plainHello({ points }: PlainPeer, { network, applicationVersions }: PoolSettings): HelloMessage {
  const silent = {
    isPrivate: true,
    discovery: false,
    signedPeerRecord: nothing,
    instance: nothing,
    metadata: nothing,
    transports: [],
    invitation: ''
  }
  return { kind: 'hello', network, protocolVersions, applicationVersions, points: points.slice(0, wireCaps.ownPoints), ...silent }
}

/** Their Hello. Rejects with `WireFault` if another message came, with the signal's reason, or with an error of the link, which may have ended. */
export async function readHello(channel: Channel, config: PoolSettings, signal: AbortSignal): Promise<HelloMessage> {
  if (channel.link.plain !== undefined) return plainHello(channel.link.plain, config)
  const message = await readMessage(channel, signal)
  if (message.kind !== 'hello') throw new WireFault(`a Hello was expected, ${message.kind} came`)
  return message
}

/** Their answer; rejects as `readHello`. */
export async function readVerdict(channel: Channel, signal: AbortSignal): Promise<{ kind: 'ack' } | MessageOf<'nack'>> {
  if (channel.link.plain !== undefined) return { kind: 'ack' }
  const message = await readMessage(channel, signal)
  if (message.kind !== 'ack' && message.kind !== 'nack') throw new WireFault(`an Ack or a Nack was expected, ${message.kind} came`)
  return message
}

async function readMessage(channel: Channel, signal: AbortSignal): Promise<PoolMessage> {
  const message = await channel.read(handshakeLimits, signal)
  // No fault: the other side may be gone.
  if (message === undefined) throw new Error('the stream ended during the handshake')
  return message
}

/** The points that the peer signed as its own. Rejects with `WireFault` if the record that it sent is broken or another's. */
export async function readSigned(hello: HelloMessage, { records }: Network, peerId: PeerId): Promise<readonly Point[]> {
  if (records === undefined || hello.signedPeerRecord.length === 0) return []
  try {
    return await records.open(hello.signedPeerRecord, peerId)
  } catch (error) {
    throw new WireFault(`the signed peer record of a Hello is not valid: ${messageOf(error)}`)
  }
}

/** The application's metadata of a Hello; none of a plain peer. Throws `WireFault` if it does not decode. */
export function readMetadata<ConnMeta>(
  hello: HelloMessage,
  { plain }: Link,
  config: { connectionMetadata: { codec: { decode(bytes: Uint8Array): ConnMeta } } }
): ConnMeta | undefined {
  if (plain !== undefined) return undefined
  try {
    // A copy, since a codec may return the very bytes, which are part of a whole packet.
    return unheard(config.connectionMetadata.codec.decode(hello.metadata.length === 0 ? nothing : hello.metadata.slice()))
  } catch (error) {
    throw new WireFault(`the metadata of a Hello (${hello.metadata.length} bytes) does not decode: ${messageOf(error)}`)
  }
}

/** What a Nack names for our refusal; nothing where we close without one, as Octez does. */
const motives: Readonly<Partial<Record<Rejection['kind'], number>>> = {
  'too-many-connections': nackMotive.tooManyConnections,
  'table-full': nackMotive.tooManyConnections,
  'unknown-network': nackMotive.unknownNetwork,
  'no-common-version': nackMotive.deprecatedProtocol,
  'already-connected': nackMotive.alreadyConnected,
  pending: nackMotive.alreadyConnected,
  'not-admitted': nackMotive.notAdmitted,
  cancelled: nackMotive.none
}

/** The Nack for a refusal, with points to try instead, as many as it holds at most; `undefined` where Octez just closes. */
export function nackFor(rejection: Rejection, points: readonly string[]): MessageOf<'nack'> | undefined {
  const isOld = rejection.kind === 'no-common-version' && rejection.of === 'application'
  const motive = isOld ? nackMotive.deprecatedApplication : motives[rejection.kind]
  return motive === undefined ? undefined : { kind: 'nack', motive, points }
}

/** Texts of a peer to points; texts that do not parse are dropped. */
export function parsePoints(network: Network, texts: readonly string[]): ParsedPoint[] {
  return texts.flatMap((text) => network.tryParsePoint(text) ?? [])
}

/** Names the run of a pool, for comparison and logs. */
export function instanceText(instance: Uint8Array): string {
  return Array.from(instance, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
