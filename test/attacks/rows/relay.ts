/** Attacks on the relay: reservations that one host takes from all others, and those of guests that are gone. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { nodePreset } from '../../../src/core/values/config.ts'
import { libp2pSettings } from '../../../src/libp2p/preset.ts'
import { type PeerPoolInit, peerPool } from '../../../src/libp2p/service.ts'
import { type Lab, pause, until } from '../../laboratory/lab.ts'
import { defineRole } from '../../laboratory/role.ts'
import { attackerHost, honestHost, victimHost } from '../kit/hosts.ts'
import { findingOf, type Row } from '../kit/row.ts'
import { atHost } from '../kit/source-address.ts'
import { network, victim, wsPort } from '../kit/victim.ts'

/** What the default relay has. */
const allReservations = 256
const askEveryMs = 220
const askMs = 75_000
const honestPages = 3
const pageDeadlineMs = 10_000
/** Guests that come together and leave together. */
const guests = 4
const freeWithinMs = 30_000

const relayAddress = (id: string): string => `/ip4/${victimHost}/tcp/${wsPort}/ws/p2p/${id}`

/** The parts of `createTabPeer` that Node has: WebSockets, a relayed address, a pool. An attacker leaves the pool out. */
function guestAt(host: string, target: string, options: Partial<PeerPoolInit> | undefined): Promise<Libp2p> {
  const settings = libp2pSettings({ ...nodePreset, connectionTimeoutMs: 10_000, authenticationTimeoutMs: 5_000 })
  const service = options === undefined ? undefined : peerPool({ network, ...options })
  const services = { identify: identify(), ...(service === undefined ? {} : { pool: service }) }
  return atHost(host, async () => {
    const node = await createLibp2p({
      privateKey: await generateKeyPair('Ed25519'),
      addresses: { listen: ['/p2p-circuit'] },
      transports: [webSockets(), circuitRelayTransport()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux(settings.yamux)],
      connectionManager: settings.connectionManager,
      connectionMonitor: settings.connectionMonitor,
      connectionGater: service?.gater ?? { denyDialMultiaddr: () => false },
      services
    })
    if (service === undefined) await node.dial(multiaddr(target), { signal: AbortSignal.timeout(5_000) })
    return node
  })
}

const isReachable = (node: Libp2p): boolean => node.getMultiaddrs().some((address) => address.toString().includes('/p2p-circuit'))

/** Takes reservations under fresh ids and keeps no connection, as fast as libp2p lets one host. */
const reserver = defineRole(import.meta.url, 'reserver', async ({ host, target }: { host: string; target: string }) => {
  let taken = 0
  const take = async (): Promise<void> => {
    const node = await guestAt(host, target, undefined)
    if (await until(() => isReachable(node), { deadlineMs: 3_000 })) taken++
    // Stopping would close with a word; whoever attacks just goes.
    for (const connection of node.getConnections()) connection.abort(new Error('gone'))
    await node.stop()
  }
  setInterval(() => void take().catch(() => undefined), askEveryMs)
  return { taken: (): number => taken }
})

interface PagesArgs {
  readonly hosts: readonly string[]
  readonly target: string
}

/** Honest pages: each trusts the relay's point, and its pool connects with it. */
const pages = defineRole(import.meta.url, 'pages', async ({ hosts, target }: PagesArgs) => {
  let nodes: Libp2p[] = []
  return {
    come: async (): Promise<number> => {
      const options = { trustedPoints: [target], minConnections: 1, expectedConnections: 1, maxConnections: 3 }
      nodes = await Promise.all(hosts.map((host) => guestAt(host, target, options)))
      await until(() => nodes.every(isReachable), { deadlineMs: pageDeadlineMs })
      return nodes.filter(isReachable).length
    },
    leave: async (): Promise<void> => {
      await Promise.all(nodes.map((node) => node.stop()))
    },
    /** As a page that crashes, or whose machine is switched off. */
    vanish: (): never => process.exit(0)
  }
})

async function takeAll(lab: Lab) {
  const relay = await lab.start(victim, { options: { relay: true } })
  const target = relayAddress(await relay.ask.id())
  const attacker = await lab.start(reserver, { host: attackerHost(9), target })
  const held = async (): Promise<number> => (await relay.ask.facts()).reservations
  let most = 0
  for (let gained = performance.now(), began = gained; most < allReservations; await pause(500)) {
    const now = performance.now()
    const count = await held()
    if (count > most) gained = now
    most = Math.max(most, count)
    if (now - began > askMs || now - gained > 15_000) break
  }
  const honest = await lab.start(pages, { hosts: Array.from({ length: honestPages }, (_, i) => honestHost(i)), target })
  const reachable = await honest.ask.come()
  return findingOf({
    measured: `the attacker held ${most} of ${allReservations} reservations (took ${await attacker.ask.taken()}); ${reachable} of ${honestPages} honest pages got one within 10 s`,
    isMet: reachable === honestPages
  })
}

async function guestsLeave(lab: Lab, how: 'leave' | 'vanish') {
  const relay = await lab.start(victim, { options: { relay: true } })
  const hosts = Array.from({ length: guests }, (_, i) => honestHost(i))
  const visitors = await lab.start(pages, { hosts, target: relayAddress(await relay.ask.id()) })
  const came = await visitors.ask.come()
  const before = (await relay.ask.facts()).reservations
  // The answer never comes from a process that has gone.
  await visitors.ask[how]().catch(() => undefined)
  const began = performance.now()
  const isFree = await until(async () => (await relay.ask.facts()).reservations === 0, { deadlineMs: freeWithinMs, everyMs: 250 })
  const after = (await relay.ask.facts()).reservations
  await relay.kill()
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  return {
    measured: `${came} guests ${how}: ${before} reservations, ${isFree ? `free after ${seconds} s` : `${after} of them held 30 s later`}`,
    isMet: came === guests && before === guests && isFree
  }
}

export const relayRows: readonly Row[] = [
  {
    name: 'relay-reservations',
    attack: 'one host asks for all relay reservations under free ids',
    target: 'an honest page gets one within 10 s',
    deadlineMs: 150_000,
    run: takeAll
  },
  {
    name: 'relay-guests-leave',
    attack: 'guests of a relay leave',
    target: 'their reservations are free within 30 s',
    deadlineMs: 120_000,
    run: async (lab) => findingOf(await guestsLeave(lab, 'leave'), await guestsLeave(lab, 'vanish'))
  }
]
