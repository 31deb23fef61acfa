/**
 * Which addresses a page dials. libp2p's own default for browsers, neither private hosts nor plain WebSockets, is off as soon
 * as a gater has an opinion on addresses, so it is repeated here, for the pages it is meant for: browsers refuse plain
 * WebSockets to pages that came over https, and may ask the user before a public page dials a private host. Used by the
 * gater and by `Network.canDial`.
 *
 * A page does not learn what a DNS name stands for, so the name alone is judged there: a public name may lead to a private or banned
 * address, unless the browser prevents it. Node looks the address up itself: `node/checked-dials.ts`.
 */
import type { PoolState } from '../core/tables/pool-state.ts'
import { hostOfName, isPublic, readPoint } from '../core/values/address.ts'
import type { Point } from '../core/values/ids.ts'

/** Which addresses this node dials. */
export interface DialRule {
  /** Dial hosts that are not public. @default true on Node and in pages that came from such a host themselves */
  readonly allowPrivate: boolean
  /** Dial plain WebSockets. @default true on Node and in pages that came over plain http or from such a host */
  readonly allowInsecure: boolean
}

/** What decides where the dials of a node may lead, by the pool's service: `service.ts` writes it, `node/checked-dials.ts` asks. */
export interface DialPolicy {
  readonly rule: DialRule
  /** Of the pool; none before libp2p has made it. */
  state(): PoolState<unknown> | undefined
}

/** Not a property of the service: nobody outside is to hold a pool's state. */
export const dialPolicies = new WeakMap<object, DialPolicy>()

/** What is given of a rule. */
export type DialRuleOptions = { readonly [Name in keyof DialRule]?: DialRule[Name] | undefined }

/** What a rule needs to know of the page it is for: `globalThis.location`. */
export interface PageLocation {
  readonly protocol: string
  readonly hostname: string
}

/** The given options over the default of where this runs; `undefined` means Node. */
export function dialRule(
  options: DialRuleOptions = {},
  page: PageLocation | undefined = inPage() ? globalThis.location : undefined
): DialRule {
  const isPrivate = page === undefined || !isPublicHost(page.hostname)
  return {
    allowPrivate: options.allowPrivate ?? isPrivate,
    allowInsecure: options.allowInsecure ?? (isPrivate || page.protocol === 'http:')
  }
}

/** A page without a host (`file:`) came from this machine. */
function isPublicHost(hostname: string): boolean {
  const host = hostOfName(hostname)
  return host !== undefined && isPublic(host)
}

export function ruleAllows(rule: DialRule, point: Point): boolean {
  const { transport, hop } = readPoint(point)
  if (!rule.allowInsecure && (transport === 'ws' || hop.transport === 'ws')) return false
  return rule.allowPrivate || hop.host === undefined || isPublic(hop.host)
}

/** A document or a worker: a page's limits hold there, whatever the bundler did. */
export function inPage(): boolean {
  return 'document' in globalThis || 'WorkerGlobalScope' in globalThis
}
