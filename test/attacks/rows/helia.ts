/**
 * Not an attack but a neighbour: Helia with its own routing, gossipsub and the pool on one libp2p node. Neither is a dependency of the
 * pool, so npm installs both into the cache folder before the row runs, and the row does not run where it cannot.
 */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { Libp2p, ServiceFactoryMap } from 'libp2p'
import { nodePreset } from '../../../src/core/values/config.ts'
import { libp2pSettings } from '../../../src/libp2p/preset.ts'
import { peerPool } from '../../../src/libp2p/service.ts'
import { type Actor, type Lab, pause, until } from '../../laboratory/lab.ts'
import { defineRole, type VerbsOf } from '../../laboratory/role.ts'
import { honestHost, victimHost } from '../kit/hosts.ts'
import { findingOf, type Row } from '../kit/row.ts'
import { beAt } from '../kit/source-address.ts'
import { network, tcpPort } from '../kit/victim.ts'

const folder = fileURLToPath(new URL('../../../.cache/attacks-helia', import.meta.url))
const packages = { helia: '7.1.15', '@libp2p/gossipsub': '17.1.1' } as const
const installDeadlineMs = 300_000

const topic = 'laboratory'
const strangers = 3
const messages = 180
const messageEveryMs = 1_000
/** Our own node asks for a block that nobody has, which makes Helia ask all of its routers. */
const searchEveryMs = 15_000
const settleMs = 5_000

/** What of the installed packages is used; they bring their own types, which this checkout does not have. */
interface Gossip {
  subscribe(topic: string): void
  publish(topic: string, data: Uint8Array): Promise<unknown>
  getSubscribers(topic: string): readonly unknown[]
  addEventListener(
    type: 'message',
    listener: (event: { readonly detail: { readonly topic: string; readonly data: Uint8Array } }) => void
  ): void
}

interface Helia {
  readonly libp2p: Libp2p<{ pubsub: never }>
  readonly blockstore: {
    put(cid: unknown, bytes: Uint8Array): Promise<unknown>
    get(cid: unknown, options: { signal: AbortSignal }): AsyncIterable<Uint8Array> | Promise<Uint8Array>
  }
  start(): Promise<Helia>
}

/** Installs what is missing; resolves with the reason if it cannot. */
async function install(): Promise<string | undefined> {
  const wanted = Object.entries(packages)
  const found = await Promise.all(wanted.map(async ([name, version]) => (await installedVersion(name)) === version))
  if (found.every(Boolean)) return undefined
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', ...wanted.map(([name, version]) => `${name}@${version}`)]
  try {
    await promisify(execFile)('npm', args, { timeout: installDeadlineMs, cwd: folder })
    return undefined
  } catch (error) {
    return `npm could not install ${wanted.map((entry) => entry.join('@')).join(' and ')}: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`
  }
}

async function installedVersion(name: string): Promise<string | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as { version?: string }
    return manifest.version
  } catch {
    return undefined
  }
}

const installed = (path: string): Promise<Record<string, (...args: unknown[]) => unknown>> =>
  import(pathToFileURL(join(folder, 'node_modules', path)).href) as Promise<Record<string, (...args: unknown[]) => unknown>>

interface NeighbourArgs {
  readonly host: string
  /** Ours has a pool that wants the others, who have none. */
  readonly points: readonly string[] | undefined
}

const neighbour = defineRole(import.meta.url, 'neighbour', async ({ host, points }: NeighbourArgs) => {
  beAt(host)
  const { createHelia } = await installed('helia/dist/src/index.js')
  const { libp2pDefaults } = await installed('@helia/libp2p/dist/src/index.js')
  const { gossipsub } = await installed('@libp2p/gossipsub/dist/src/index.js')
  const defaults = libp2pDefaults?.() as { transports: unknown[]; services: Record<string, unknown> }
  const { autoTLS: _, upnp: __, autoNAT: ___, ...services } = defaults.services
  const pool =
    points === undefined
      ? undefined
      : peerPool({ network, plainPeers: 'admit', requiredProtocols: ['/meshsub/1.1.0'], trustedPoints: points, minConnections: strangers })
  const settings = libp2pSettings({ ...nodePreset, connectionTimeoutMs: 10_000, authenticationTimeoutMs: 5_000 })
  const made = createHelia?.({
    libp2p: {
      addresses: { listen: [`/ip4/${host}/tcp/${tcpPort}`] },
      // Helia's own services and routers, without those that ask the local network or a certificate authority, and without AutoNAT:
      // where it is to dial an address that it is connected with already, it closes that very connection.
      peerDiscovery: [],
      ...(pool === undefined ? {} : { connectionGater: pool.gater, ...settings }),
      services: {
        ...services,
        pubsub: gossipsub?.({ allowPublishToZeroTopicPeers: true }),
        ...(pool === undefined ? {} : { pool })
      } as ServiceFactoryMap
    }
  }) as Helia
  const helia = await made.start()
  const pubsub = helia.libp2p.services.pubsub as unknown as Gossip
  const heard: Record<string, number> = {}
  let sent = 0
  pubsub.subscribe(topic)
  pubsub.addEventListener('message', ({ detail }) => {
    if (detail.topic !== topic) return
    const [sender = ''] = new TextDecoder().decode(detail.data).split(' ')
    heard[sender] = (heard[sender] ?? 0) + 1
  })
  return {
    address: (): string => `/ip4/${host}/tcp/${tcpPort}/p2p/${helia.libp2p.peerId.toString()}`,
    subscribers: (): number => pubsub.getSubscribers(topic).length,
    talk: (): void => {
      if (pool !== undefined) setInterval(() => void search(helia), searchEveryMs)
      const timer = setInterval(() => {
        if (++sent === messages) clearInterval(timer)
        void pubsub.publish(topic, new TextEncoder().encode(`${host} ${sent}`))
      }, messageEveryMs)
    },
    hasFinished: (): boolean => sent === messages,
    heard: (): Readonly<Record<string, number>> => heard
  }
})

/** For a block that nobody has: it fails after a while. */
async function search({ blockstore }: Helia): Promise<void> {
  const { CID } = (await installed('multiformats/dist/src/cid.js')) as unknown as {
    CID: { createV1(code: number, digest: unknown): unknown }
  }
  const { sha256 } = (await installed('multiformats/dist/src/hashes/sha2.js')) as unknown as {
    sha256: { digest(bytes: Uint8Array): Promise<unknown> }
  }
  try {
    const cid = CID.createV1(0x55, await sha256.digest(crypto.getRandomValues(new Uint8Array(32))))
    const found = await blockstore.get(cid, { signal: AbortSignal.timeout(searchEveryMs - 1_000) })
    if (Symbol.asyncIterator in found) for await (const _ of found) break
  } catch {
    // Nobody has it.
  }
}

type Neighbour = Actor<VerbsOf<typeof neighbour>>

async function threeMinutes(lab: Lab) {
  const hosts = Array.from({ length: strangers }, (_, i) => honestHost(i))
  const others = await Promise.all(hosts.map((host) => lab.start(neighbour, { host, points: undefined })))
  const points = await Promise.all(others.map(({ ask }) => ask.address()))
  const ours = await lab.start(neighbour, { host: victimHost, points })
  const all: readonly Neighbour[] = [ours, ...others]
  const isMeshed = await until(async () => (await ours.ask.subscribers()) === strangers, { deadlineMs: 30_000 })
  await pause(settleMs)
  await Promise.all(all.map(({ ask }) => ask.talk()))
  const talkMs = messages * messageEveryMs + settleMs
  await until(async () => !ours.isAlive() || (await ours.ask.hasFinished()), { deadlineMs: talkMs, everyMs: 1_000 })
  await pause(settleMs)
  const isAlive = ours.isAlive()
  const heard = await Promise.all(all.map(async ({ ask, isAlive: lives }) => (lives() ? Object.values(await ask.heard()) : [])))
  const arrived = heard.flat().reduce((sum, count) => sum + count, 0)
  const wanted = messages * all.length * strangers
  return findingOf({
    measured: `${
      isAlive
        ? 'alive'
        : `dead (${
            ours
              .lastWords()
              .split('\n')
              .find((line) => line.includes('Error')) ?? 'without a word'
          })`
    }, ${isMeshed ? '' : 'not '}connected with all, ${arrived} of ${wanted} messages arrived`,
    isMet: isAlive && isMeshed && arrived === wanted
  })
}

export const heliaRows: readonly Row[] = [
  {
    name: 'helia',
    attack: 'Helia 7 with default routing, gossipsub and the pool in one node, three minutes of messages',
    target: 'alive, nothing uncaught, all messages arrived',
    deadlineMs: 270_000,
    prepare: install,
    run: threeMinutes
  }
]
