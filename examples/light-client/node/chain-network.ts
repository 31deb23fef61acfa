/**
 * The network of the example, all in one process and on this machine: five honest Node peers that make headers, the first of
 * them the bootstrap, and two liars. `cli.ts` and the test start it; the page gets its settings.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { NodePeerInit } from 'p2p-pool/node'
import { type Hash, type Header, noHash, readHash, searchWork } from '../chain/header.ts'
import { HeaderTree } from '../chain/header-tree.ts'
import type { ChainRules } from '../chain/rules.ts'
import type { PageSettings } from '../page/settings.ts'
import type { ChainMessage } from '../wire/message.ts'
import { boast, type Deceit, forgedHead } from './deceit.ts'
import { HeaderPeer } from './header-peer.ts'
import { draft } from './miner.ts'

export const chainNetworkName = 'p2p-pool-light-client'

const honestCount = 5
/** Content from 4 on: each of the seven holds most of the others and has room for pages. */
const nodeBand = { minConnections: 2, expectedConnections: 8, maxConnections: 32 }
/** A page holds five, no more and no less: when a liar goes, another peer comes. */
const pageBand = { min: 5, expected: 5, max: 5 }
/** All come from one host, as fast as they can, and all at once at the start. */
const oneHost = { inboundConnectionThreshold: 1_000, maxIncomingPerHost: 20 }
/** A small network has little to tell at first: ask again soon. */
const searchMs = 1_000
/** What five miners of `miner.ts` do in `spacingS`. */
const difficulty = 512
const spacingS = 2
const retargetEvery = 32

const settledConnections = 4
const settleMs = 8_000

export interface ChainNetwork {
  /** The first one is the bootstrap. */
  readonly honest: readonly HeaderPeer[]
  readonly liars: readonly HeaderPeer[]
  readonly pageSettings: PageSettings
  /** Idempotent. */
  stop(): Promise<void>
}

export interface ChainNetworkOptions {
  /** Of the bootstrap peer; 0: the system chooses. */
  readonly ports?: { readonly tcp: number; readonly webSocket: number }
  /** Headers made before anybody came. @default 600 */
  readonly history?: number
  readonly deceits?: readonly Deceit[]
  /** How long the liars are honest to a light client, ms. @default 6000 */
  readonly honestForMs?: number | undefined
  onBreak?(peer: HeaderPeer): void
}

/** Rejects if a port cannot be had; then nothing is left. */
export async function startChainNetwork({
  ports = { tcp: 0, webSocket: 0 },
  history: count = 600,
  deceits = [forgedHead(), boast()],
  honestForMs = 6_000,
  onBreak
}: ChainNetworkOptions): Promise<ChainNetwork> {
  const { rules, history } = makeHistory(count)
  const make = (
    name: string,
    init: Partial<NodePeerInit<ChainMessage>>,
    lying: { deceit?: Deceit; honestForMs?: number | undefined } = {}
  ): HeaderPeer =>
    new HeaderPeer({
      name,
      rules,
      history,
      init: {
        network: chainNetworkName,
        ...nodeBand,
        listen: [address(0), `${address(0)}/ws`],
        timeBetweenSearchesMs: searchMs,
        ...oneHost,
        ...init
      },
      onBreak: (peer) => onBreak?.(peer),
      ...lying
    })
  const bootstrap = make('Node peer 1, the bootstrap', { listen: [address(ports.tcp), `${address(ports.webSocket)}/ws`] })
  const honest = [bootstrap]
  const liars: HeaderPeer[] = []
  const stop = async (): Promise<void> => {
    await Promise.all([...honest, ...liars].map((peer) => peer.stop()))
  }
  try {
    await bootstrap.start()
    const trustedPoints = [bootstrap.multiaddr('tcp')]
    for (let number = 2; number <= honestCount; number++) honest.push(make(`Node peer ${number}`, { trustedPoints }))
    for (const [index, deceit] of deceits.entries()) liars.push(make(`Liar ${index + 1}`, { trustedPoints }, { deceit, honestForMs }))
    // All settle, so that `stop` finds whatever runs.
    const starts = await Promise.allSettled([...honest.slice(1), ...liars].map((peer) => peer.start()))
    const failed = starts.find((start) => start.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    await settled([...honest, ...liars])
    const [, second] = honest
    const first = [...liars, ...(second === undefined ? [] : [second])]
    const pageSettings: PageSettings = {
      network: chainNetworkName,
      trustedPoints: [bootstrap.multiaddr('ws')],
      firstPoints: first.map((peer) => peer.multiaddr('ws')),
      band: pageBand,
      rules
    }
    return { honest, liars, pageSettings, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Resolves when each of them has some of the others, so that a page finds a network that runs; after some seconds in any case. */
async function settled(peers: readonly HeaderPeer[]): Promise<void> {
  const until = performance.now() + settleMs
  const enough = Math.min(settledConnections, peers.length - 1)
  while (performance.now() < until && peers.some(({ pool }) => pool.activeConnections < enough)) await pause(50)
}

/** A chain that ends now, as if it had been made at the aimed pace, with a checkpoint after two thirds of it. */
function makeHistory(count: number): { rules: ChainRules; history: Header[] } {
  const nowS = Math.floor(Date.now() / 1_000)
  const genesis: Header = {
    height: 0,
    previous: noHash,
    time: nowS - count * spacingS,
    payloadRoot: readHash(randomBytes(32), 0),
    difficulty,
    nonce: 0
  }
  const rules: ChainRules = { genesis, checkpoints: [], spacingS, retargetEvery, easiest: 16, maxAheadS: 30 }
  const tree = new HeaderTree(rules)
  const history: Header[] = []
  while (history.length < count) {
    const header = searchWork(draft(tree, genesis.time + (history.length + 1) * spacingS), 2 ** 32)
    if (header === undefined) continue
    tree.add(header)
    history.push(header)
  }
  const height = Math.floor((count * 2) / 3)
  const hash: Hash | undefined = tree.at(height)?.hash
  return { rules: { ...rules, checkpoints: hash === undefined || height === 0 ? [] : [{ height, hash }] }, history }
}

function address(port: number): string {
  return `/ip4/127.0.0.1/tcp/${port}`
}
