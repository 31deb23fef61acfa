/**
 * Address texts made of all multiaddr components, well-formed and damaged, for one question: does a dial lead to the host that
 * the pool checked? libp2p's own transports answer; their sockets are replaced by a note of where they would go. Used by
 * `test/libp2p/spellings.test.ts` with some thousand texts, and by the attack lab with a million.
 */
import net, { BlockList, isIP } from 'node:net'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { Logger, Transport } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { getNetConfig } from '@libp2p/utils'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import * as addresses from '@multiformats/multiaddr'
import { hostOfName, readPoint } from '../../src/core/values/address.ts'
import type { Host, ParsedPoint } from '../../src/core/values/ids.ts'
import type { Random } from '../../src/core/values/ports.ts'
import { toMultiaddr, tryParsePoint } from '../../src/libp2p/point.ts'
import { createGater } from '../../src/libp2p/server-gater.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'

export interface SpellingResult {
  /** Texts that the pool took for a point. */
  readonly accepted: number
  /** Points whose dial leads to another host than `readPoint` says, or that have a second spelling. */
  readonly mismatches: number
  /** Dials to a host that is not public, of any text, through the gater of a page that may not make them. */
  readonly privateDials: number
  /** Dials to this machine, of any text, through the gater of a Node peer whose operator banned it. */
  readonly bannedDials: number
  /** The first text of each fault. */
  readonly examples: readonly string[]
}

type Multiaddr = addresses.Multiaddr

const ids = [
  '12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o',
  '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5',
  'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
  'k51qzi5uqu5dh9ihj4p2v5sl3hxvv27ryx2w0xrsv6jmmqi91t9xp8p9kaipc2'
]
const ip4 =
  '203.0.113.200 8.8.8.8 127.0.0.1 10.1.2.3 192.168.0.1 127.9.9.9 169.254.169.254 172.16.0.1 100.64.0.1 0.0.0.0 224.0.0.1 0177.0.0.1 127.1'
const ip6 =
  '2001:db8::7 2a00::1 ::1 :: fe80::1 fd00::1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:8.8.8.8 64:ff9b::7f00:1 2002:7f00:1:: 0:0:0:0:0:0:0:1 ::127.0.0.1'
const names =
  'example.org EXAMPLE.ORG example.org. localhost printer.local a.b.example LocalHost localhost. a.localhost router nas.lan db.internal 127.0.0.1 127.1 0x7f.1 0x7f000001 2130706433 a.0x7f a.1 xn--nxasmq6b.example a_b.example -a.example a..b %31%32%37.1 [::1] 127.0.0.1:80 user@localhost localhost#x localhost%2f localhost?x 017700000001 1.1.1.1'
const values: Readonly<Record<string, readonly string[]>> = {
  ip4: ip4.split(' '),
  ip6: ip6.split(' '),
  ip6zone: ['eth0', 'lo', '1'],
  ipcidr: ['8', '24', '32'],
  p2p: ids,
  ipfs: ids,
  certhash: ['uEiAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw', 'f1220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'],
  'http-path': ['a', 'p2p-circuit', '..', '%2f', '%40localhost', ':1%40localhost%2f'],
  unix: ['tmp%2Fsocket', '%2Frun%2Fx'],
  memory: ['7', 'ip4'],
  onion: ['aaimaq4ygg2iegci:80'],
  onion3: ['vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234'],
  garlic32: ['aaaa'],
  garlic64: ['aaaa']
}
for (const name of ['dns', 'dns4', 'dns6', 'dnsaddr', 'sni']) (values as Record<string, readonly string[]>)[name] = names.split(' ')
for (const name of ['tcp', 'udp', 'dccp', 'sctp'])
  (values as Record<string, readonly string[]>)[name] = ['1', '22', '80', '443', '4001', '6379', '65535', '0', '65536', '04001']

/** The names of all components that the library knows now, and the spellings that it takes for them. */
const components = [
  ...Object.entries(addresses)
    .filter(([name]) => name.startsWith('CODE_'))
    .map(([, code]) => addresses.registry.getProtocol(code as number).name),
  'ipfs'
]
const hosts = ['ip4', 'ip6', 'dns', 'dns4', 'dns6', 'dnsaddr']
const ways =
  'tcp|tcp ws|tcp wss|tcp tls ws|tcp tls sni ws|udp quic-v1|udp quic-v1 webtransport certhash|udp webrtc-direct certhash|tcp tls|tcp http'
const circuits = ['', 'p2p p2p-circuit p2p', 'p2p p2p-circuit webrtc p2p', 'p2p p2p-circuit tls sni ws p2p']

/** Makes `count` texts of the seed and says what became of them. Two runs with one seed do the same. */
export async function checkSpellings(count: number, seed: number): Promise<SpellingResult> {
  const random = seededRandom(seed)
  const dials = new Dials()
  const page = createGater({ allowPrivate: false, allowInsecure: true }).gater
  const node = createGater({ allowPrivate: true, allowInsecure: true })
  node.bind({
    deniesIncoming: () => false,
    deniesDial: (point) => isLoopback(readPoint(point).hop.host),
    deniesPeer: () => false,
    isTrusted: () => false,
    isUnknown: () => true
  })
  const result = { accepted: 0, mismatches: 0, privateDials: 0, bannedDials: 0 }
  const examples = new Map<keyof typeof result, string>()
  const fault = (kind: keyof typeof result, text: string): void => {
    result[kind]++
    if (!examples.has(kind)) examples.set(kind, `${kind}: ${text}`)
  }
  try {
    for (let i = 0; i < count; i++) {
      const text = spellingOf(random)
      const parsed = tryParsePoint(text)
      if (parsed !== undefined) result.accepted++
      if (parsed !== undefined && !(await leadsToItsHost(parsed, dials))) fault('mismatches', text)
      const address = parsed === undefined ? read(text) : toMultiaddr(parsed.point, parsed.expectedPeerId)
      if (address === undefined) continue
      const asPage = !(await page.denyDialMultiaddr(address))
      const asNode = !(await node.gater.denyDialMultiaddr(address))
      const reached = asPage || asNode ? await dials.of(address) : []
      if (asPage && reached.some(isPrivate)) fault('privateDials', text)
      if (asNode && reached.some((host) => isLoopback(hostOfName(host)))) fault('bannedDials', text)
    }
  } finally {
    dials.restore()
  }
  return { ...result, examples: [...examples.values()] }
}

/** Does every transport that takes the point dial the host that the pool checks, and is its text the only one? */
async function leadsToItsHost({ point, expectedPeerId }: ParsedPoint, dials: Dials): Promise<boolean> {
  const { host } = readPoint(point).hop
  const dialed = await dials.of(toMultiaddr(point, expectedPeerId))
  return tryParsePoint(point)?.point === point && dialed.every((one) => hostOfName(one) === host)
}

function read(text: string): Multiaddr | undefined {
  try {
    return addresses.multiaddr(text)
  } catch {
    return undefined
  }
}

// Texts.

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random.next() * from.length)] as T
}

function spellingOf(random: Random): string {
  if (random.next() < 0.03)
    return `${pick(random, pick(random, [values.ip4, values.dns, values.ip6]) ?? [])}:${pick(random, values.tcp ?? [])}`
  const parts = random.next() < 0.15 ? randomParts(random) : likelyParts(random)
  for (let damage = Math.max(0, Math.floor(random.next() * 4) - 1); damage > 0; damage--) damageParts(random, parts)
  const text = `/${parts.join('/')}`
  if (random.next() > 0.05) return text
  const at = Math.floor(random.next() * text.length)
  return `${text.slice(0, at)}${pick(random, ['', '/', '.', '%', '0', 'A', '//', '@'])}${text.slice(at + Math.floor(random.next() * 2))}`
}

/** Component and value are one entry, so that damage moves both. Every other one is among the first few, which are well-formed. */
function component(random: Random, name: string): string {
  const known = values[name]
  return known === undefined ? name : `${name}/${pick(random, random.next() < 0.5 ? known.slice(0, 6) : known)}`
}

function randomParts(random: Random): string[] {
  return Array.from({ length: 1 + Math.floor(random.next() * 7) }, () => component(random, pick(random, components)))
}

function likelyParts(random: Random): string[] {
  const way = pick(random, ways.split('|'))
  const names = `${pick(random, hosts)} ${way} ${pick(random, circuits)}`.split(' ').filter((name) => name !== '')
  const parts = names.map((name) => component(random, name))
  // A name that repeats the host is harmless, and must be told from one that does not.
  if (random.next() < 0.3) return parts.map((part) => (part.startsWith('sni/') ? `sni/${parts[0]?.split('/')[1]}` : part))
  return parts
}

function damageParts(random: Random, parts: string[]): void {
  const at = Math.floor(random.next() * (parts.length + 1))
  const kind = random.next()
  if (kind < 0.5) parts.splice(at, 0, component(random, pick(random, components)))
  else if (kind < 0.7) parts.splice(at, 1)
  else if (kind < 0.85) parts.splice(at, 0, ...parts.slice(at, at + 2))
  else parts.push(...parts.splice(0, 1))
}

// Dials.

/** What sockets throw in here: made once, since a stack trace costs more than all else. */
const noted = new Error('where it would go is noted')

const silent: Logger = Object.assign(() => undefined, {
  error: () => undefined,
  trace: () => undefined,
  enabled: false,
  newScope: () => silent
})

/** libp2p's transports over sockets that only say where they would go. */
class Dials {
  readonly #transports: readonly Transport[]
  readonly #connect = net.connect
  readonly #webSocket = globalThis.WebSocket
  #hosts: string[] = []
  #next: Multiaddr[] = []

  constructor() {
    const hop = (address: Multiaddr): void => void this.#next.push(address)
    const components = {
      logger: { forComponent: () => silent },
      events: new EventTarget(),
      peerStore: { merge: async (_: unknown, { multiaddrs }: { multiaddrs: Multiaddr[] }) => multiaddrs.forEach(hop) },
      connectionManager: {
        getConnections: () => [],
        openConnection: async () => {
          throw noted
        }
      },
      transportManager: {
        dial: async (address: Multiaddr) => {
          hop(address)
          throw noted
        }
      }
    }
    this.#transports = [tcp(), webSockets(), circuitRelayTransport(), webRTC()].map((make) =>
      (make as (from: unknown) => Transport)(components)
    )
    const note = (host: string): never => {
      this.#hosts.push(host)
      throw noted
    }
    net.connect = ((options: { host?: string }) => note(options.host ?? 'unix')) as unknown as typeof net.connect
    globalThis.WebSocket = class {
      constructor(uri: string) {
        note(new URL(uri).hostname)
      }
    } as unknown as typeof WebSocket
  }

  restore(): void {
    net.connect = this.#connect
    globalThis.WebSocket = this.#webSocket
  }

  /** The hosts that a dial of the address opens sockets at, by whatever transport takes it. */
  async of(address: Multiaddr): Promise<string[]> {
    this.#hosts = []
    this.#next = [address]
    for (let hops = 0; hops < 8; hops++) {
      const next = this.#next.shift()
      if (next === undefined) break
      await this.#dial(next)
    }
    return this.#hosts
  }

  async #dial(address: Multiaddr): Promise<void> {
    // libp2p looks these up first; what they stand for is an address of its own.
    if (address.getComponents().some(({ name }) => name === 'dnsaddr')) return
    const signal = new AbortController().signal
    for (const transport of this.#transports) {
      if (transport.dialFilter([address]).length === 0) continue
      try {
        await transport.dial(address, { signal, upgrader: undefined as never })
      } catch {
        // It was noted, or nothing would have been dialed.
      }
    }
    // Transports that do not run here read host and port with this.
    if (
      address.getComponents().some(({ name }) => /^(quic|webrtc-direct|webtransport)/.test(name)) &&
      !address.toString().includes('p2p-circuit')
    ) {
      try {
        this.#hosts.push(getNetConfig(address).host)
      } catch {
        // It begins with no host.
      }
    }
  }
}

// Scopes, told by another table than the pool's own.

const local = new BlockList()
for (const range of [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '100.64.0.0/10',
  '0.0.0.0/8',
  '224.0.0.0/3'
]) {
  const [address = '', bits] = range.split('/')
  local.addSubnet(address, Number(bits), 'ipv4')
}
for (const range of ['::/127', 'fe80::/10', 'fc00::/7', '64:ff9b::7f00:0/104', '2002:7f00::/24']) {
  const [address = '', bits] = range.split('/')
  local.addSubnet(address, Number(bits), 'ipv6')
}

function isPrivate(host: string): boolean {
  const bare = host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
  if (isIP(bare) !== 0) return local.check(bare, isIP(bare) === 4 ? 'ipv4' : 'ipv6')
  return !bare.includes('.') || /(^|\.)(localhost|local|internal|lan)$/.test(bare)
}

function isLoopback(host: Host | undefined): boolean {
  return host !== undefined && (/^(::1|::ffff:127\..*)$/.test(host) || /(^|\.)localhost$/.test(host))
}
