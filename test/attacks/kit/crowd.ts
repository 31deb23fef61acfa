/**
 * Honest peers that come to a victim under attack, each a real `createNodePeer` on a host of its own, and how many of them get in.
 * Some may be trusted by the victim.
 */
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { createNodePeer, type NodePeer, type PeerId, PoolError } from '../../../node/index.ts'
import { type Actor, type Lab, pause } from '../../laboratory/lab.ts'
import { defineRole } from '../../laboratory/role.ts'
import { honestHost, honestHost6, trustedHost, trustedHost6, victimHost, victimHost6 } from './hosts.ts'
import type { Part } from './row.ts'
import { atHost } from './source-address.ts'
import { network, tcpPort, type VictimFacts, type VictimVerbs } from './victim.ts'

/** "In" means running within this, ms. */
export const inWithinMs = 10_000
/** Newcomers do not arrive in the same instant; one process also needs time to make them. */
const arrivalMs = 100
const retryMs = 1_000

export interface Identity {
  readonly id: string
  readonly key: Uint8Array
}

export async function newIdentity(): Promise<Identity> {
  const key = await generateKeyPair('Ed25519')
  return { id: peerIdFromPrivateKey(key).toString(), key: privateKeyToProtobuf(key) }
}

export interface CrowdArgs {
  readonly members: readonly { readonly host: string; readonly identity: Identity }[]
  /** A point of the victim; its id is expected there. */
  readonly victim: { readonly address: string; readonly id: string }
}

/** When a newcomer ran, ms from its first attempt, and how many attempts it needed. */
export interface Arrival {
  readonly afterMs: number
  readonly attempts: number
}

/** The role of the newcomers: each dials the victim's point, and again a second after a failure. */
export const crowd = defineRole(import.meta.url, 'crowd', async ({ members, victim }: CrowdArgs) => {
  const peers: NodePeer[] = []
  const join = async ({ host, identity }: CrowdArgs['members'][number], place: number): Promise<Arrival | undefined> => {
    await pause(place * arrivalMs)
    return atHost(host, async () => {
      const peer = await createNodePeer({
        network,
        privateKey: privateKeyFromProtobuf(identity.key),
        listen: [host.includes(':') ? `/ip6/${host}/tcp/${tcpPort}` : `/ip4/${host}/tcp/${tcpPort}`],
        // They want the victim; a mesh of their own would only keep this machine busy.
        minConnections: 0,
        expectedConnections: 0,
        maxConnections: 3
      })
      peers[place] = peer
      return arrive(peer, victim)
    })
  }
  return {
    /** Of each member, in order; undefined: it did not get in. */
    join: (): Promise<(Arrival | undefined)[]> => Promise.all(members.map(join)),
    connected: (): number => peers.filter(({ pool }) => pool.connections.findByPeerId(victim.id as PeerId) !== undefined).length
  }
})

async function arrive({ pool }: NodePeer, victim: CrowdArgs['victim']): Promise<Arrival | undefined> {
  const { point } = pool.parsePoint(victim.address)
  const began = performance.now()
  for (let attempts = 1; ; attempts++) {
    const timeoutMs = inWithinMs - (performance.now() - began)
    if (timeoutMs < 1) return undefined
    try {
      await pool.connect(point, { expectedPeerId: victim.id as PeerId, timeoutMs })
      return { afterMs: performance.now() - began, attempts }
    } catch (error) {
      if (!(error instanceof PoolError)) throw error
      await pause(retryMs)
    }
  }
}

interface Count {
  readonly came: number
  readonly in: number
  /** Of those: at the first attempt. */
  readonly atOnce: number
}

export interface Newcomers {
  readonly honest: Count
  readonly trusted: Count
  /** The victim, when they had been there for `stayMs`. */
  readonly afterStay: VictimFacts
}

/** Hosts of both sides, by the family of addresses. */
const ways = {
  ip4: { victim: victimHost, honest: honestHost, trusted: trustedHost },
  ip6: { victim: victimHost6, honest: honestHost6, trusted: trustedHost6 }
} as const

/** Sends newcomers to the victim, and counts those that run within ten seconds and that the victim lists too. */
export async function newcomers(
  lab: Lab,
  target: Actor<VictimVerbs>,
  { honest, trusted, over = 'ip4', stayMs = 0 }: { honest: number; trusted: number; over?: keyof typeof ways; stayMs?: number }
): Promise<Newcomers> {
  const way = ways[over]
  const ours = await membersAt(honest, way.honest)
  const theirs = await membersAt(trusted, way.trusted)
  await target.ask.trust(theirs.map(({ identity }) => identity.id))
  const victim = { address: `/${over}/${way.victim}/tcp/${tcpPort}`, id: await target.ask.id() }
  // In turns, so that neither kind comes first.
  const members = Array.from({ length: Math.max(honest, trusted) }, (_, i) => [ours[i], theirs[i]])
    .flat()
    .filter((member) => member !== undefined)
  const group = await lab.start(crowd, { members, victim })
  const arrivals = await group.ask.join()
  const { running } = await target.ask.facts()
  await pause(stayMs)
  const afterStay = await target.ask.facts()
  await group.kill()
  const listed = new Set(running.map(({ peerId }) => peerId))
  const count = (some: typeof members): Count => {
    const found = some.map((member) => (listed.has(member.identity.id) ? arrivals[members.indexOf(member)] : undefined))
    const arrived = found.filter((arrival) => arrival !== undefined)
    return { came: some.length, in: arrived.length, atOnce: arrived.filter(({ attempts }) => attempts === 1).length }
  }
  return { honest: count(ours), trusted: count(theirs), afterStay }
}

/** Judged by the first attempts: a program that dials once must get in, not only a pool that goes on trying. */
export function partOf({ honest, trusted }: Newcomers, least: { readonly honest: number; readonly trusted: number }, label = ''): Part {
  const later = honest.in + trusted.in - honest.atOnce - trusted.atOnce
  const words = [
    `honest ${honest.atOnce} of ${honest.came}`,
    ...(trusted.came === 0 ? [] : [`trusted ${trusted.atOnce} of ${trusted.came}`]),
    'in at the first attempt',
    ...(later === 0 ? [] : [`${later} more at a later one`])
  ]
  return {
    measured: `${label}${words.join(', ').replace(', in at', ' in at')}`,
    isMet: honest.atOnce >= least.honest && trusted.atOnce >= least.trusted
  }
}

async function membersAt(count: number, host: (n: number) => string) {
  return Promise.all(Array.from({ length: count }, async (_, i) => ({ host: host(i), identity: await newIdentity() })))
}
