/** Parts beside the pool that misbehave: each must cost its own feature and no more. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { ConnectionGater, Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { createNodePeer, type Libp2pPeerPool, nodePreset, type PeerPoolInit, peerPool } from '../../../node/index.ts'
import { libp2pSettings } from '../../../src/libp2p/preset.ts'
import { type Lab, pause, until, within } from '../../laboratory/lab.ts'
import { defineRole } from '../../laboratory/role.ts'
import { type Act, faultyStorage, faultyTransport, type Misbehaviour, misbehave, misbehaviourNames, storageCalls } from '../kit/faulty.ts'
import { honestHost, trustedHost } from '../kit/hosts.ts'
import type { Finding, Row } from '../kit/row.ts'
import { atHost } from '../kit/source-address.ts'
import { network, tcpPort } from '../kit/victim.ts'

const friends = 3
/** The band to be kept: all friends but the one that a gater or a transport may misbehave for. */
const wanted = friends - 1
const connectedWithinMs = 12_000
const holdMs = 1_500
const stopWithinMs = 5_000
const together = 6

/** Who is there to connect with; the last one also dials, and says what a codec cannot read. */
const friendsRole = defineRole(import.meta.url, 'friends', async (_: Record<string, never>) => {
  const peers = await Promise.all(
    Array.from({ length: friends }, (_, i) =>
      atHost(honestHost(i), () =>
        createNodePeer({
          network,
          listen: [`/ip4/${honestHost(i)}/tcp/${tcpPort}`],
          minConnections: 0,
          expectedConnections: 0,
          maxConnections: 500
        })
      )
    )
  )
  setInterval(() => peers[friends - 1]?.pool.broadcast(new Uint8Array(1)), 500)
  return { addresses: (): string[] => peers.map(({ pool }, i) => `/ip4/${honestHost(i)}/tcp/${tcpPort}/p2p/${pool.peerId}`) }
})

interface Setting {
  readonly options?: Partial<PeerPoolInit>
  /** Wraps the pool's own gater. */
  readonly gater?: ((inner: ConnectionGater) => ConnectionGater) | undefined
  readonly transports?: readonly ReturnType<typeof tcp>[]
  readonly after?: (pool: Libp2pPeerPool, node: Libp2p) => void
}

interface Member {
  readonly name: string
  readonly setting: (points: readonly string[]) => Setting
}

/** The faulty part concerns the last friend alone, so that the others are to be held. */
const lastOf = (points: readonly string[]): string => points.at(-1) ?? ''

const gaterHooks = [
  'denyDialPeer',
  'denyDialMultiaddr',
  'denyInboundConnection',
  'denyInboundEncryptedConnection',
  'denyInboundUpgradedConnection',
  'denyOutboundConnection',
  'denyOutboundEncryptedConnection',
  'denyOutboundUpgradedConnection'
] as const

function faultyGater(hook: (typeof gaterHooks)[number], way: Misbehaviour, point: string): Setting['gater'] {
  const [, , host = '', , , , id = ''] = point.split('/')
  return (inner) => {
    const right = (inner[hook] as Act | undefined) ?? (() => false)
    const faulty = misbehave(way, `gater.${hook}`, right)
    const concerns = (args: readonly unknown[]): boolean =>
      args.some((arg) => String((arg as { remoteAddr?: unknown })?.remoteAddr ?? arg).includes(host) || String(arg) === id)
    return { ...inner, [hook]: (...args: readonly unknown[]) => (concerns(args) ? faulty(...args) : right(...args)) }
  }
}

/** What a discovery may claim to have found. */
const findings: Readonly<Record<string, unknown>> = {
  'the id of a gateway': {
    id: { toString: () => 'bagqbeaavnb2hi4dthixs6ndfozsxe3dbnzsc42lpf4', equals: () => false, type: 'url' },
    multiaddrs: []
  },
  'no id': { multiaddrs: [multiaddr('/ip4/192.0.2.1/tcp/1')] },
  'nothing at all': undefined,
  'no addresses': { id: { toString: () => 'nobody', equals: () => false } },
  'addresses that are none': { id: { toString: () => 'nobody', equals: () => false }, multiaddrs: [{}, null, 'x', 5] },
  'an id that throws': {
    get id() {
      throw new Error('discovery.id throws')
    },
    multiaddrs: []
  }
}

/** What libp2p tells the pool of a find. */
function discover(node: Libp2p, found: unknown): void {
  const { components } = node as unknown as { readonly components: { readonly events: EventTarget } }
  components.events.dispatchEvent(new CustomEvent('peer:discovery', { detail: found }))
}

const bytes: Act = (value) => value
const codecOf = (what: string, call: 'encode' | 'decode', way: Misbehaviour) =>
  ({ encode: bytes, decode: bytes, [call]: misbehave(way, `${what}.${call}`, bytes) }) as never

const each = (what: string, setting: (way: Misbehaviour, points: readonly string[]) => Setting): Member[] =>
  misbehaviourNames.map((way) => ({ name: `${what} ${way}`, setting: (points) => setting(way, points) }))

const peerMetadata = { initial: () => 1, toJson: () => 1, fromJson: () => 1, score: () => 1 }
const tellingEvents = ['connection-opened', 'dial-started', 'change', 'peer-history'] as const

const members: readonly Member[] = [
  ...storageCalls.flatMap((call) => each(`storage.${call}`, (way) => ({ options: { storage: faultyStorage(call, way) } }))),
  // libp2p drops the promise of a `dialFilter`, which must not give one, before anybody can hear of its rejection.
  ...(['dialFilter', 'dial'] as const).flatMap((call) =>
    each(`transport.${call}`, (way, points) => ({
      transports: [faultyTransport(call, way, (address) => address.toString().startsWith(lastOf(points).split('/p2p/')[0] ?? '')), tcp()]
    })).filter(({ name }) => name !== 'transport.dialFilter rejects')
  ),
  ...gaterHooks.flatMap((hook) => each(`gater.${hook}`, (way, points) => ({ gater: faultyGater(hook, way, lastOf(points)) }))),
  ...Object.entries(findings).map(([name, found]) => ({
    name: `discovery finds ${name}`,
    setting: () => ({ after: (_: Libp2pPeerPool, node: Libp2p) => discover(node, found) })
  })),
  ...each('messageCodec.encode', (way) => ({
    options: { messageCodec: codecOf('messageCodec', 'encode', way) },
    after: (pool) => void attempt(() => pool.broadcast(new Uint8Array(1)))
  })),
  ...each('messageCodec.decode', (way) => ({ options: { messageCodec: codecOf('messageCodec', 'decode', way) } })),
  ...each('connectionMetadata.own', (way) => ({
    options: {
      connectionMetadata: {
        own: misbehave(way, 'connectionMetadata.own', () => new Uint8Array(1)) as never,
        codec: { encode: bytes, decode: bytes } as never
      }
    }
  })),
  ...each('connectionMetadata.codec.encode', (way) => ({
    options: { connectionMetadata: { own: () => new Uint8Array(1), codec: codecOf('connectionMetadata.codec', 'encode', way) } }
  })),
  ...(['initial', 'toJson', 'fromJson', 'score'] as const).flatMap((call) =>
    each(`peerMetadata.${call}`, (way) => ({
      options: { peerMetadata: { ...peerMetadata, [call]: misbehave(way, `peerMetadata.${call}`, () => 1) as never } }
    }))
  ),
  ...tellingEvents.flatMap((event) =>
    each(`listener of ${event}`, (way) => ({
      after: (pool) =>
        pool.addEventListener(
          event,
          misbehave(way, `listener of ${event}`, () => undefined)
        )
    }))
  )
]

interface Outcome {
  readonly member: string
  readonly fault: string | undefined
}

/** Runs every member in one process, and tells which could not keep its band, did not stop in time, or let an error loose. */
const careless = defineRole(import.meta.url, 'careless', async ({ points }: { points: readonly string[] }) => {
  const loose: string[] = []
  process.on('uncaughtException', (error) => loose.push(String(error)))
  process.on('unhandledRejection', (reason) => loose.push(String(reason)))
  const outcomes: Outcome[] = []
  let hasEnded = false
  const queue = members.map((member, place) => ({ member, place }))
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { member, place } = next
      const fault = await atHost(trustedHost(place), () => faultOf(member, points)).catch((error: unknown) => `broke: ${String(error)}`)
      outcomes.push({ member: member.name, fault })
    }
  }
  void Promise.all(Array.from({ length: together }, work)).then(() => {
    hasEnded = true
  })
  return { hasEnded: (): boolean => hasEnded, outcomes: (): Outcome[] => outcomes, loose: (): string[] => loose }
})

async function faultOf({ setting }: Member, points: readonly string[]): Promise<string | undefined> {
  const made = setting(points)
  const band = { minConnections: wanted, expectedConnections: friends, maxConnections: 2 * friends }
  const started = startWith(made, { network, trustedPoints: points, ...band, ...made.options })
  const { pool, node } = await within(20_000, started, 'it did not start')
  const holds = (): boolean => pool.activeConnections >= wanted
  const isKept = await until(holds, { deadlineMs: connectedWithinMs })
  made.after?.(pool, node)
  await pause(holdMs)
  const isHeld = holds()
  const began = performance.now()
  const stop = await within(stopWithinMs, Promise.resolve(node.stop()), 'it did not stop').then(
    () => undefined,
    (error: unknown) => String(error)
  )
  if (!isKept) return `only ${pool.activeConnections} connections`
  if (!isHeld) return 'the band was lost'
  return stop ?? (performance.now() - began > stopWithinMs ? 'it stopped late' : undefined)
}

async function startWith(made: Setting, options: PeerPoolInit): Promise<{ pool: Libp2pPeerPool; node: Libp2p }> {
  const service = peerPool(options)
  const settings = libp2pSettings({ ...nodePreset, connectionTimeoutMs: 10_000, authenticationTimeoutMs: 5_000 })
  const node = await createLibp2p({
    transports: [...(made.transports ?? [tcp()])],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(settings.yamux)],
    connectionGater: made.gater === undefined ? service.gater : made.gater(service.gater),
    connectionManager: settings.connectionManager,
    connectionMonitor: settings.connectionMonitor,
    services: { identify: identify(), pool: service }
  })
  const { pool } = node.services as unknown as { pool: Libp2pPeerPool }
  return { pool, node }
}

function attempt(action: () => unknown): void {
  try {
    action()
  } catch {
    // The caller's own codec failed, and the caller is told.
  }
}

async function misbehaveAll(lab: Lab): Promise<Finding> {
  const others = await lab.start(friendsRole, {})
  const pools = await lab.start(careless, { points: await others.ask.addresses() })
  await until(() => pools.ask.hasEnded(), { deadlineMs: 280_000, everyMs: 500 })
  const outcomes = await pools.ask.outcomes()
  const loose = await pools.ask.loose()
  const faults = outcomes.filter(({ fault }) => fault !== undefined)
  for (const { member, fault } of faults) console.error(`${member}: ${fault}`)
  for (const error of new Set(loose)) console.error(`let loose: ${error}`)
  const named = faults.slice(0, 4).map(({ member, fault }) => `${member}: ${fault}`)
  return {
    measured: `${outcomes.length - faults.length} of ${members.length} members kept the band and stopped within 5 s${named.length === 0 ? '' : ` (not: ${named.join(', ')}${faults.length > named.length ? ', …' : ''})`}, ${loose.length} errors let loose`,
    verdict: outcomes.length === members.length && faults.length === 0 && loose.length === 0 ? 'met' : 'missed'
  }
}

export const collaboratorRows: readonly Row[] = [
  {
    name: 'collaborators',
    attack: 'each call of storage, transport, gater, discovery, codec, listener: throws, rejects, never settles, settles twice',
    target: 'band kept; `stop` within 5 s; no unhandled rejection',
    deadlineMs: 360_000,
    run: misbehaveAll
  }
]
