/**
 * What DNS names stand for, judged before anything is dialed: the look-up of a socket, and the answers to `/dnsaddr`. Used by
 * `checked-dials.ts`. The rules are in `core/flows/resolved-address.ts`.
 */
import type { LookupAddress } from 'node:dns'
import type { LookupFunction, Socket } from 'node:net'
import type { Multiaddr } from '@multiformats/multiaddr'
import { type AddressRefusal, checkAddress, checkAnswer, connectedAt } from '../src/core/flows/resolved-address.ts'
import { hostOfIp, scopeOf } from '../src/core/values/address.ts'
import type { Host, Point } from '../src/core/values/ids.ts'
import type { DialPolicy } from '../src/libp2p/dial-rule.ts'
import { pointOf, tryParsePoint } from '../src/libp2p/point.ts'

/** Addresses of one name that a dial tries at most. */
const maxAddresses = 4
/** Addresses that one `/dnsaddr` may stand for; libp2p dials 25 at most. */
const maxAnswers = 16
/** Which `/dnsaddr` an address came from; the oldest is forgotten first. */
const maxRemembered = 1_024

/** The addresses that a name stands for; `family` 0: any. Rejects as `dns.lookup` does. */
export type LookUpName = (name: string, family: 0 | 4 | 6) => Promise<readonly LookupAddress[]>

const texts: Readonly<Record<AddressRefusal, string>> = {
  banned: 'is banned or greylisted',
  'not-public': 'is not public, and the operator has not registered the point',
  'service-port': 'is at a port of other services, and the operator has not registered the point',
  'dialed-too-often': 'was dialed three times in ten minutes for untried points'
}

/** The DNS name that a dial of the address would look up. A secure WebSocket is dialed at the name in `/sni`. */
export function nameIn(address: Multiaddr): string | undefined {
  const components = address.getComponents()
  const [first] = components
  const sni = components.find(({ name }) => name === 'sni')?.value
  return sni ?? (first !== undefined && /^dns[46]?$/.test(first.name) ? first.value : undefined)
}

export class CheckedNames {
  readonly #policy: DialPolicy
  readonly #lookUp: LookUpName
  /** Addresses that a `/dnsaddr` stood for, with the first `/dnsaddr` that led there. At most `maxRemembered`. */
  readonly #origins = new Map<Point, Point>()

  constructor(policy: DialPolicy, lookUp: LookUpName) {
    this.#policy = policy
    this.#lookUp = lookUp
  }

  /** For the sockets of one dial: asked once by each. */
  lookupFor(address: Multiaddr): LookupFunction {
    return (name, { all, family }, callback) => {
      this.#addressesOf(address, name, familyOf(address, family)).then(
        (found) => {
          if (all === true) callback(null, [...found])
          else callback(null, found[0]?.address ?? '', found[0]?.family)
        },
        (error: unknown) => callback(error as NodeJS.ErrnoException, '')
      )
    }
  }

  /** Throws if the socket must not be where it is. */
  connected(address: Multiaddr, { remoteAddress }: Pick<Socket, 'remoteAddress'>): void {
    // None: the socket is closed by now.
    const host = remoteAddress === undefined ? undefined : hostOfIp(remoteAddress)
    const state = this.#policy.state()
    if (host === undefined || state === undefined) return
    const refusal = connectedAt(state, pointOf(address)?.point, host)
    if (refusal !== undefined) throw denied(`the connection to ${nameIn(address)} is with ${remoteAddress}, which ${texts[refusal]}`)
  }

  /** What is left of the answers to a `/dnsaddr`. Throws if there were some and none is. */
  answersOf(address: Multiaddr, answers: readonly Multiaddr[]): Multiaddr[] {
    const name = address.getComponents().find((component) => component.name === 'dnsaddr')?.value
    const asked = tryParsePoint(`/dnsaddr/${name}`)?.point
    if (asked === undefined) throw denied(`${address} names no host`)
    const origin = this.#origins.get(asked) ?? asked
    const refusals: string[] = []
    const left = answers.slice(0, maxAnswers).filter((answer) => {
      const point = pointOf(answer)?.point
      const refusal = point === undefined ? 'is no point' : this.#refusalOfAnswer(origin, point)
      if (refusal !== undefined) refusals.push(`${answer} ${refusal}`)
      else if (point !== undefined) this.#remember(point, origin)
      return refusal === undefined
    })
    if (left.length === 0 && refusals.length > 0)
      throw denied(`${asked} stands only for what is refused: ${refusals.slice(0, 3).join('; ')}`)
    return left
  }

  #refusalOfAnswer(origin: Point, answer: Point): string | undefined {
    const state = this.#policy.state()
    const refusal =
      state && checkAnswer(state, { origin: this.#judgedAs(answer, origin), answer, allowPrivate: this.#policy.rule.allowPrivate })
    return refusal === undefined ? undefined : texts[refusal]
  }

  /** Throws if none is left. */
  async #addressesOf(address: Multiaddr, name: string, family: 0 | 4 | 6): Promise<readonly LookupAddress[]> {
    const point = pointOf(address)?.point
    const judged = point === undefined ? undefined : this.#judgedAs(point, this.#origins.get(point) ?? point)
    const left: LookupAddress[] = []
    const refusals: string[] = []
    for (const found of await this.#lookUp(name, family)) {
      const host = hostOfIp(found.address)
      const refusal = host === undefined ? 'not-public' : this.#check(judged, host)
      if (refusal === undefined) left.push(found)
      else refusals.push(`${found.address} ${texts[refusal]}`)
      if (left.length === maxAddresses) break
    }
    if (left.length === 0) throw denied(`${name} stands only for addresses that are refused: ${refusals.slice(0, 3).join('; ') || 'none'}`)
    return left
  }

  /** A point that the pool knows is judged by what is known of it, another by the `/dnsaddr` that led to it. */
  #judgedAs(point: Point, origin: Point): Point {
    return this.#policy.state()?.points.get(point) === undefined ? origin : point
  }

  #check(point: Point | undefined, address: Host): AddressRefusal | undefined {
    const isPublic = scopeOf(address) === 'public'
    if (!isPublic && (point === undefined || !this.#policy.rule.allowPrivate)) return 'not-public'
    const state = this.#policy.state()
    return state === undefined ? undefined : checkAddress(state, point ?? ('' as Point), address)
  }

  #remember(point: Point, origin: Point): void {
    this.#origins.delete(point)
    this.#origins.set(point, origin)
    for (const oldest of this.#origins.keys()) {
      if (this.#origins.size <= maxRemembered) break
      this.#origins.delete(oldest)
    }
  }
}

/** `/dns4` and `/dns6` say which addresses they mean. */
function familyOf(address: Multiaddr, asked: number | string | undefined): 0 | 4 | 6 {
  const name = address.getComponents()[0]?.name
  if (name === 'dns4') return 4
  if (name === 'dns6') return 6
  return asked === 4 || asked === 'IPv4' ? 4 : asked === 6 || asked === 'IPv6' ? 6 : 0
}

/** By its name `dial-error.ts` knows that we refused it ourselves. */
function denied(message: string): Error {
  return Object.assign(new Error(message), { name: 'DialDeniedError' })
}
