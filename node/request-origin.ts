/**
 * Where a request for a WebSocket comes from: the peer's host behind a proxy, and the website of a page. Pure text work, called by
 * `proxied-listener.ts` for each request. No header is believed but what a trusted proxy wrote.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { multiaddr } from '@multiformats/multiaddr'
import { hostOfIp, hostOfName, isPublic, readPoint } from '../src/core/values/address.ts'
import { type At, type Check, refuse } from '../src/core/values/arguments.ts'
import type { Host, Point } from '../src/core/values/ids.ts'
import { isInRange, parseIp, tryParseRange } from '../src/core/values/ip.ts'

/** What the operator says of proxies and pages. */
export interface RequestRules {
  isTrustedProxy(host: Host): boolean
  /** `undefined`: see `judgeRequest`. */
  readonly allowedOrigins: readonly string[] | undefined
  /** Hosts at which this node is announced. */
  readonly announced: Pick<ReadonlySet<Host>, 'has'>
}

export interface Request {
  /** The address at the other end of the socket. */
  readonly host: Host | undefined
  readonly headers: IncomingHttpHeaders
}

/** `take`: the peer is at this host; `undefined`: nobody can say where. */
export type Judgement = { readonly kind: 'take'; readonly host: Host | undefined } | { readonly kind: 'refuse'; readonly why: string }

/** Written by proxies alone: a page cannot add headers to its request. */
const proxyHeaders = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'] as const

/**
 * Without `allowedOrigins` every page may connect but one: a page of a public website whose request comes from this machine or a local
 * network, names none of our announced hosts, and was forwarded by no proxy. That is a website that runs in a browser
 * here. Behind an address that is not public the peer counts as local only if neither a proxy nor such a website is in between.
 */
export function judgeRequest({ host, headers }: Request, rules: RequestRules): Judgement {
  const { origin } = headers
  const { allowedOrigins } = rules
  if (origin !== undefined && allowedOrigins !== undefined && !allowedOrigins.includes('*') && !allowedOrigins.includes(origin))
    return { kind: 'refuse', why: `pages of ${origin} may not connect: it is not one of allowedOrigins` }
  if (host === undefined) return { kind: 'take', host: undefined }
  if (rules.isTrustedProxy(host)) return { kind: 'take', host: forwardedHost(headers['x-forwarded-for'], rules) }
  // Anybody can write such headers: from a public address they mean nothing.
  if (isPublic(host)) return { kind: 'take', host }
  if (proxyHeaders.some((name) => headers[name] !== undefined)) return { kind: 'take', host: undefined }
  if (origin === undefined || !isWebsite(origin)) return { kind: 'take', host }
  if (allowedOrigins !== undefined || isAnnounced(headers.host, rules)) return { kind: 'take', host: undefined }
  return {
    kind: 'refuse',
    why:
      `pages of ${origin} may not connect from this machine or a local network: list it in allowedOrigins; ` +
      'or, if a proxy is in between, have it set X-Forwarded-For and list it in trustedProxies'
  }
}

/** The last address that no trusted proxy has: each one appends the address that it was called from, and what was there before proves nothing. */
function forwardedHost(header: string | string[] | undefined, { isTrustedProxy }: RequestRules): Host | undefined {
  const chain = (typeof header === 'string' ? header : (header ?? []).join()).split(',')
  for (const entry of chain.reverse()) {
    const host = hostOfEntry(entry.trim())
    if (host === undefined || !isTrustedProxy(host)) return host
  }
  return undefined
}

/** `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`. */
function hostOfEntry(entry: string): Host | undefined {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(entry)?.[1]
  const withPort = /^([\d.]+):\d{1,5}$/.exec(entry)?.[1]
  return hostOfIp(bracketed ?? withPort ?? entry)
}

/** May it be any site of the web? `null` stands for a sandboxed frame of one. Extensions and apps were installed by a person. */
function isWebsite(origin: string): boolean {
  const url = urlOf(origin)
  if (url === undefined) return true
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false
  const host = hostOfName(url.hostname)
  return host === undefined || isPublic(host)
}

function isAnnounced(header: string | undefined, { announced }: RequestRules): boolean {
  const url = header === undefined ? undefined : urlOf(`http://${header}`)
  const host = url === undefined ? undefined : hostOfName(url.hostname)
  return host !== undefined && announced.has(host)
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

// Options.

/** The hosts in multiaddrs. */
export function announcedHosts(addresses: readonly string[]): ReadonlySet<Host> {
  return new Set(addresses.flatMap((address) => readPoint(multiaddr(address).toString() as Point).hop.host ?? []))
}

/** Is a host in one of the ranges? They must be good ones: `proxyRange` has looked. */
export function inRanges(texts: readonly string[]): (host: Host) => boolean {
  const ranges = texts.flatMap((text) => tryParseRange(text) ?? [])
  return (host) => {
    const address = parseIp(host)
    return address !== undefined && ranges.some((range) => isInRange(address, range))
  }
}

/** An address or a range of them. */
export const proxyRange: Check = (value, at: At) =>
  typeof value === 'string' && tryParseRange(value) !== undefined
    ? value
    : refuse(at, 'an IP address or a range such as 192.0.2.1 or 10.0.0.0/8', value)

/** The origin of a page as browsers write it, without a path. */
export const pageOrigin: Check = (value, at: At) => {
  const isOrigin = typeof value === 'string' && (value === '*' || value === 'null' || isWritten(value))
  return isOrigin ? value : refuse(at, "the origin of a page such as https://app.example.org, or '*'", value)
}

function isWritten(origin: string): boolean {
  const url = urlOf(origin)
  if (url === undefined) return false
  if (url.protocol === 'http:' || url.protocol === 'https:') return url.origin === origin
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/.test(origin)
}
