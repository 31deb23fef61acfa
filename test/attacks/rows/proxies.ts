/** Pages that share one address, that of a reverse proxy, with a peer that breaks the protocol. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { pagePreset } from '../../../src/core/values/config.ts'
import type { PeerId } from '../../../src/core/values/ids.ts'
import { libp2pSettings } from '../../../src/libp2p/preset.ts'
import { type Libp2pPeerPool, peerPool } from '../../../src/libp2p/service.ts'
import { type Lab, pause, until } from '../../laboratory/lab.ts'
import { defineRole } from '../../laboratory/role.ts'
import { type Identity, newIdentity } from '../kit/crowd.ts'
import { attackerHost, honestHost, proxyHost, victimHost } from '../kit/hosts.ts'
import { proxy } from '../kit/proxy.ts'
import { findingOf, type Part, type Row } from '../kit/row.ts'
import { atHost } from '../kit/source-address.ts'
import { dialAgain, openPoolStream, strangerAt } from '../kit/stranger.ts'
import { network, victim, wsPort } from '../kit/victim.ts'

const pageCount = 50
const proxyPort = 8_080
const garbageEveryMs = 1_000
const garbageMs = 15_000
const returnWithinMs = 5_000
/** Ten pages a second are loaded again. */
const reloadEveryMs = 100
const loadedWithinMs = 30_000

interface PagesArgs {
  readonly identities: readonly Identity[]
  readonly target: string
  readonly victim: string
}

/** The parts of a page that Node has: WebSockets and a pool with the sizes of pages. */
const pages = defineRole(import.meta.url, 'pages', async ({ identities, target, victim }: PagesArgs) => {
  const loaded: { readonly node: Libp2p; readonly pool: Libp2pPeerPool }[] = []
  const load = (place: number): Promise<void> => {
    const identity = identities[place]
    return atHost(honestHost(place), async () => {
      const service = peerPool({
        network,
        preset: pagePreset,
        trustedPoints: [`${target}/p2p/${victim}`],
        minConnections: 1,
        expectedConnections: 1
      })
      const settings = libp2pSettings(service.config)
      const node = await createLibp2p({
        ...(identity === undefined ? {} : { privateKey: privateKeyFromProtobuf(identity.key) }),
        addresses: { listen: [] },
        transports: [webSockets()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux(settings.yamux)],
        connectionGater: service.gater,
        connectionManager: settings.connectionManager,
        connectionMonitor: settings.connectionMonitor,
        services: { identify: identify(), pool: service }
      })
      loaded[place] = { node, pool: node.services.pool }
    })
  }
  const isIn = (place: number): boolean => loaded[place]?.pool.connections.findByPeerId(victim as PeerId) !== undefined
  const places = identities.map((_, place) => place)
  let losses = 0
  return {
    load: async (): Promise<number> => {
      for (const place of places) {
        await load(place)
        await pause(reloadEveryMs)
      }
      await until(() => places.every(isIn), { deadlineMs: loadedWithinMs })
      for (const { pool } of loaded)
        for (const name of ['connection-closed', 'connection-lost'] as const) pool.addEventListener(name, () => losses++)
      return places.filter(isIn).length
    },
    connected: (): number => places.filter(isIn).length,
    losses: (): number => losses,
    /** Each goes without a word and comes back; how many were back in time, and the slowest, ms. */
    reload: async (): Promise<{ back: number; slowestMs: number }> => {
      const took = await Promise.all(
        places.map(async (place) => {
          await pause(place * reloadEveryMs)
          const { node } = loaded[place] ?? {}
          for (const connection of node?.getConnections() ?? []) connection.abort(new Error('the page was left'))
          await node?.stop()
          const began = performance.now()
          await load(place)
          await until(() => isIn(place), { deadlineMs: returnWithinMs - (performance.now() - began), everyMs: 20 })
          return isIn(place) ? performance.now() - began : undefined
        })
      )
      const times = took.filter((ms) => ms !== undefined)
      return { back: times.length, slowestMs: Math.max(0, ...times) }
    }
  }
})

/** Each second a fresh id opens a pool stream through the proxy and breaks the protocol with two bytes. */
const garbler = defineRole(import.meta.url, 'garbler', async ({ target }: { target: string }) => {
  let sent = 0
  const garble = async (): Promise<void> => {
    const node = await strangerAt(attackerHost(9))
    try {
      const { stream } = await openPoolStream(await dialAgain(node, target))
      // A length that is longer than it need be: no frame begins so.
      stream.send(Uint8Array.of(0x80, 0x00))
      sent++
      await pause(500)
    } finally {
      await node.stop()
    }
  }
  setInterval(() => void garble().catch(() => undefined), garbageEveryMs)
  return { sent: (): number => sent }
})

interface Setting {
  readonly label: string
  /** Where the proxy's connections come from. */
  readonly from: string
  readonly listen: string
  readonly trustedProxies?: readonly string[]
  /** It tells who came; else it passes bytes on. */
  readonly addsHeader: boolean
}

async function behindProxy(lab: Lab, { label, from, listen, trustedProxies, addsHeader }: Setting): Promise<Part> {
  const options = trustedProxies === undefined ? {} : { trustedProxies }
  const target = await lab.start(victim, { listen: [`/ip4/${listen}/tcp/${wsPort}/ws`], options })
  const upstream = { host: listen, port: wsPort }
  await lab.start(proxy, { listen: { host: proxyHost, port: proxyPort }, target: upstream, from, addsHeader })
  const address = `/ip4/${proxyHost}/tcp/${proxyPort}/ws`
  const identities = await Promise.all(Array.from({ length: pageCount - 1 }, newIdentity))
  const crowd = await lab.start(pages, { identities, target: address, victim: await target.ask.id() })
  const loaded = await crowd.ask.load()
  const attacker = await lab.start(garbler, { target: address })
  await pause(garbageMs)
  const stayed = await crowd.ask.connected()
  const losses = await crowd.ask.losses()
  const { back, slowestMs } = await crowd.ask.reload()
  const sent = await attacker.ask.sent()
  lab.close()
  const slowest = back === 0 ? '' : `, the slowest after ${(slowestMs / 1_000).toFixed(1)} s`
  return {
    measured: `${label}: ${loaded} of ${pageCount - 1} in, ${stayed} stayed (${losses} losses, garbage sent ${sent} times), ${back} returned within 5 s of a reload${slowest}`,
    isMet: loaded === pageCount - 1 && stayed === loaded && losses === 0 && back === loaded
  }
}

export const proxyRows: readonly Row[] = [
  {
    name: 'pages-behind-a-proxy',
    attack: '50 pages behind one TCP proxy, one sends garbage each second',
    target: '49 stay, and return within 5 s of a reload; with and without `trustedProxies`',
    deadlineMs: 360_000,
    run: async (lab) =>
      findingOf(
        await behindProxy(lab, { label: 'without, TCP proxy on this machine', from: '127.0.0.1', listen: '127.0.0.1', addsHeader: false }),
        await behindProxy(lab, {
          label: 'with, TCP proxy',
          from: proxyHost,
          listen: victimHost,
          trustedProxies: [proxyHost],
          addsHeader: false
        }),
        await behindProxy(lab, {
          label: 'with, X-Forwarded-For',
          from: proxyHost,
          listen: victimHost,
          trustedProxies: [proxyHost],
          addsHeader: true
        })
      )
  }
]
