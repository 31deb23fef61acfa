/** Parts of a pool's surroundings that misbehave: each call of each of them, in every way that a call can. */
import { tcp } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import { memoryStorage, type PeerStorage } from '../../../src/core/index.ts'

export type Act = (...args: readonly unknown[]) => unknown

/** By the name of the misbehaviour; each is told what the right call would give. */
export const misbehaviours = {
  throws:
    (what: string): Act =>
    () => {
      throw new Error(`${what} throws`)
    },
  rejects:
    (what: string): Act =>
    () =>
      Promise.reject(new Error(`${what} rejects`)),
  'never settles': (): Act => () => new Promise(() => undefined),
  'settles twice':
    (what: string, right: Act): Act =>
    (...args) => {
      // Not a promise, which settles once, but what a careless library may return.
      // biome-ignore lint/suspicious/noThenProperty: that is what misbehaves here
      return { then: (resolve: Act, reject: Act) => settleTwice(() => right(...args), resolve, reject, what) }
    }
} as const

function settleTwice(right: () => unknown, resolve: Act, reject: Act, what: string): void {
  const value = right()
  resolve(value)
  reject(new Error(`${what} settles twice`))
  resolve(value)
}

export type Misbehaviour = keyof typeof misbehaviours
export const misbehaviourNames = Object.keys(misbehaviours) as Misbehaviour[]

export function misbehave(way: Misbehaviour, what: string, right: Act): Act {
  return misbehaviours[way](what, right)
}

/** The calls that a storage has. */
export const storageCalls: readonly string[] = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(memoryStorage())))
  .filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor')
  .map(([name]) => name)

const ordinaryCalls = new Set(['open', 'load', 'save', 'close'])

/** A storage of which one call misbehaves. What cannot be read is moved away, so such a text makes that call happen. */
export function faultyStorage(call: string, way: Misbehaviour): PeerStorage {
  const inner = memoryStorage(ordinaryCalls.has(call) ? undefined : 'no text of a pool')
  return new Proxy<PeerStorage>(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const right: Act = (...args) => Reflect.apply(value, target, args)
      return name === call ? misbehave(way, `storage.${call}`, right) : right
    }
  })
}

/**
 * A TCP transport for one address, of which one call misbehaves; other addresses are left to other transports. `dialFilter` is asked
 * about every address, by libp2p too, which drops what it does not expect: it misbehaves for that address alone.
 */
export function faultyTransport(
  call: 'dial' | 'dialFilter',
  way: Misbehaviour,
  isFaulty: (address: Multiaddr) => boolean
): ReturnType<typeof tcp> {
  const factory = tcp()
  return (components) => {
    const inner = factory(components)
    const filter: Act = (addresses) => (addresses as Multiaddr[]).filter(isFaulty)
    const faultyFilter = misbehave(way, 'transport.dialFilter', filter)
    return new Proxy(inner, {
      get(target, name) {
        if (name === Symbol.toStringTag) return 'faulty transport'
        if (name === 'listenFilter') return () => []
        if (name === 'dialFilter')
          return (addresses: Multiaddr[]) => (call === 'dialFilter' && addresses.some(isFaulty) ? faultyFilter : filter)(addresses)
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        const right: Act = (...args) => Reflect.apply(value, target, args)
        return name === call ? misbehave(way, 'transport.dial', right) : right
      }
    })
  }
}
