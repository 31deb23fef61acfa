/**
 * What the page learns from outside: `/demo.json`, written by the demo's server, and the query of its own address.
 * Checked here once; whatever is wrong becomes an error that says what was expected.
 */
import type { ConnectionBand } from '../../src/core/index.ts'
import { messageOf } from '../../src/core/values/reason.ts'

export interface DemoSettings {
  readonly network: string
  readonly trustedPoints: readonly string[]
  /** None: the defaults of a page. */
  readonly band: ConnectionBand | undefined
  /** Of storage and identity: two pages of one browser with different names are two peers. */
  readonly name: string
  /** Whether the tabs of this browser are one peer, or this one is a peer of its own. */
  readonly tabs: 'share' | 'own'
  /** The URL of this page for other machines in the network. */
  readonly address: string | undefined
}

const settingsDeadlineMs = 10_000

/** Rejects with an error for the person in front of the page. May be repeated. */
export async function loadSettings(): Promise<DemoSettings> {
  const response = await askServer()
  if (!response.ok) throw new Error(`/demo.json: expected the demo's settings, the server answered ${response.status}`)
  const text = await response.text()
  return readSettings(parseJson(text), new URLSearchParams(location.search))
}

async function askServer(): Promise<Response> {
  try {
    return await fetch('/demo.json', { cache: 'no-store', signal: AbortSignal.timeout(settingsDeadlineMs) })
  } catch (cause) {
    throw new Error(`/demo.json: the demo's server does not answer (${messageOf(cause)})`, { cause })
  }
}

/** `?tab=own` is for a second peer in the same browser, `?name=` for tests. */
export function readSettings(json: unknown, query: URLSearchParams): DemoSettings {
  if (typeof json !== 'object' || json === null) throw wrong('an object', json)
  const { network, trustedPoints, band, address } = json as Record<string, unknown>
  if (typeof network !== 'string') throw wrong('network: a text', network)
  if (!Array.isArray(trustedPoints) || !trustedPoints.every((point) => typeof point === 'string')) {
    throw wrong('trustedPoints: a list of multiaddrs', trustedPoints)
  }
  const tabs = query.get('tab') === 'own' ? 'own' : 'share'
  return { network, trustedPoints, band: readBand(band), name: query.get('name') || 'p2p-pool-demo', tabs, address: readAddress(address) }
}

function readAddress(address: unknown): string | undefined {
  if (address === undefined || address === null) return undefined
  if (typeof address !== 'string' || !URL.canParse(address)) throw wrong('address: a URL', address)
  return address
}

function readBand(band: unknown): ConnectionBand | undefined {
  if (band === undefined) return undefined
  const { min, expected, max } = (typeof band === 'object' && band !== null ? band : {}) as Record<string, unknown>
  if (typeof min !== 'number' || typeof expected !== 'number' || typeof max !== 'number') throw wrong('band: { min, expected, max }', band)
  return { min, expected, max }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(`/demo.json: expected JSON, got ${JSON.stringify(text.slice(0, 60))}`, { cause })
  }
}

function wrong(expected: string, got: unknown): Error {
  return new Error(`/demo.json: expected ${expected}, got ${JSON.stringify(got)?.slice(0, 60) ?? 'nothing'}`)
}
