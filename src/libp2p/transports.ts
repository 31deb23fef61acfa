/**
 * Which transports a node can dial with, found by asking for an address of each form: names of transport classes differ
 * between packages, forms do not. For `Network.transports`, which Hello and Bootstrap tell to others.
 */
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Transport } from '../core/values/ports.ts'

/** The shortest values that parse: filters of transports look at the form alone. */
const peer = '11'
const certhash = 'uA'

/** The most wanted first: what costs the least to set up and holds the most connections. */
const examples: readonly (readonly [Transport, string])[] = [
  ['quic', '/ip4/192.0.2.1/udp/1/quic-v1'],
  ['tcp', '/ip4/192.0.2.1/tcp/1'],
  ['wss', '/dns4/a/tcp/1/tls/ws'],
  ['ws', '/ip4/192.0.2.1/tcp/1/ws'],
  ['webtransport', `/ip4/192.0.2.1/udp/1/quic-v1/webtransport/certhash/${certhash}/certhash/${certhash}`],
  ['webrtc-direct', `/ip4/192.0.2.1/udp/1/webrtc-direct/certhash/${certhash}`],
  ['webrtc', `/ip4/192.0.2.1/tcp/1/ws/p2p/${peer}/p2p-circuit/webrtc/p2p/${peer}`],
  ['memory', '/memory/1']
]

/** Components with a value. */
const values = /\/(ip[46]|dns|dns[46]|dnsaddr|tcp|udp|p2p|certhash|memory)\/[^/]+/g
/** Points have some eighty forms. */
const maxForms = 256

/**
 * What libp2p's transports can dial. They go by the form of an address alone, and asking takes 20 µs: a look at the band asks for each
 * known point, and a Hello for all transports. So each form is asked for once.
 */
export class DialableForms {
  readonly #canDial: (address: Multiaddr) => boolean
  readonly #answers = new Map<string, boolean>()

  constructor(canDial: (address: Multiaddr) => boolean) {
    this.#canDial = canDial
  }

  /** Asks anew: transports may have been added. */
  forget(): void {
    this.#answers.clear()
  }

  /** Is there a transport for the address with this text? */
  has(text: string): boolean {
    const form = text.replace(values, '/$1')
    const known = this.#answers.get(form)
    if (known !== undefined) return known
    if (this.#answers.size >= maxForms) this.#answers.clear()
    const answer = this.#canDial(multiaddr(text))
    this.#answers.set(form, answer)
    return answer
  }

  /** The most wanted first. `circuit` is never among them: links run on direct connections only. */
  get transports(): Transport[] {
    return examples.filter(([, text]) => this.has(text)).map(([transport]) => transport)
  }
}
