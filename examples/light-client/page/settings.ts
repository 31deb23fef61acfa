/**
 * The settings of the page: `/settings.json`, written by the example's server. A program of its own would come
 * with these values built in: they are what it trusts. Checked here once; whatever is wrong becomes an error that says what was expected.
 */
import type { ConnectionBand } from 'p2p-pool'
import { type Header, parseHash } from '../chain/header.ts'
import type { ChainRules } from '../chain/rules.ts'

export interface PageSettings {
  readonly network: string
  /** Multiaddrs that the pool never gives up. */
  readonly trustedPoints: readonly string[]
  /** Multiaddrs to begin with. They are not trusted: any peer may answer there. */
  readonly firstPoints: readonly string[]
  readonly band: ConnectionBand
  readonly rules: ChainRules
}

const settingsDeadlineMs = 10_000

/** Rejects with an error for the person in front of the page. May be repeated. */
export async function loadSettings(): Promise<PageSettings> {
  let response: Response
  try {
    response = await fetch('/settings.json', { cache: 'no-store', signal: AbortSignal.timeout(settingsDeadlineMs) })
  } catch (cause) {
    throw new Error(`/settings.json: the example's server does not answer (${text(cause)})`, { cause })
  }
  if (!response.ok) throw new Error(`/settings.json: expected the settings, the server answered ${response.status}`)
  try {
    return readSettings(await response.json())
  } catch (cause) {
    throw new Error(`/settings.json: ${text(cause)}`, { cause })
  }
}

/** Throws an error that says what was expected. */
export function readSettings(json: unknown): PageSettings {
  const settings = record('the settings', json)
  const band = record('band', settings.band)
  const rules = record('rules', settings.rules)
  return {
    network: string('network', settings.network),
    trustedPoints: list('trustedPoints', settings.trustedPoints).map((point) => string('a trusted point', point)),
    firstPoints: list('firstPoints', settings.firstPoints).map((point) => string('a first point', point)),
    band: { min: number('band.min', band.min), expected: number('band.expected', band.expected), max: number('band.max', band.max) },
    rules: {
      genesis: header(record('rules.genesis', rules.genesis)),
      checkpoints: list('rules.checkpoints', rules.checkpoints).map((one) => {
        const { height, hash } = record('a checkpoint', one)
        return { height: number('height of a checkpoint', height), hash: parseHash(string('hash of a checkpoint', hash)) }
      }),
      spacingS: number('rules.spacingS', rules.spacingS),
      retargetEvery: number('rules.retargetEvery', rules.retargetEvery),
      easiest: number('rules.easiest', rules.easiest),
      maxAheadS: number('rules.maxAheadS', rules.maxAheadS)
    }
  }
}

function header({ height, previous, time, payloadRoot, difficulty, nonce }: Record<string, unknown>): Header {
  return {
    height: number('height of the first header', height),
    previous: parseHash(string('previous of the first header', previous)),
    time: number('time of the first header', time),
    payloadRoot: parseHash(string('payloadRoot of the first header', payloadRoot)),
    difficulty: number('difficulty of the first header', difficulty),
    nonce: number('nonce of the first header', nonce)
  }
}

function record(what: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw wrong(what, 'an object', value)
  return value as Record<string, unknown>
}

function list(what: string, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw wrong(what, 'a list', value)
  return value
}

function string(what: string, value: unknown): string {
  if (typeof value !== 'string') throw wrong(what, 'a text', value)
  return value
}

function number(what: string, value: unknown): number {
  if (typeof value !== 'number') throw wrong(what, 'a number', value)
  return value
}

function wrong(what: string, expected: string, got: unknown): Error {
  return new Error(`${what}: expected ${expected}, got ${JSON.stringify(got)?.slice(0, 60) ?? 'nothing'}`)
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
