/** Asks the demo's server to break something: `/break.json`, with the token that only a page of that server can read. */
import { messageOf } from '../../src/core/values/reason.ts'
import { type ServerState, serverStateOf } from './server-words.ts'

/** What the server breaks, and mends by itself. */
export type ServerBreak = 'relay' | 'half' | 'liar'

/** What it does with its servers until it is asked for something else. */
export type ServerSwitch = 'stop-relay' | 'stop-servers' | 'start-servers'

/** As node/cli/demo-control.ts answers. */
export interface Broken {
  /** Peer ids. */
  readonly killed: readonly string[]
  readonly mendsInMs: number
  readonly liar: string | null
}

const path = '/break.json'
/** Killing takes a moment. */
const deadlineMs = 15_000

/** Between two questions whether what was killed is back, ms. */
export const askMs = 200

/** What the demo's server does for its page. */
export interface Breaker {
  breakNow(kind: ServerBreak): Promise<Broken>
  /** Resolves when that is done. */
  switchServers(how: ServerSwitch): Promise<void>
  /** What is broken now. */
  broken(): Promise<readonly unknown[]>
  /** Of the servers, as `broken` said last. */
  readonly servers: ServerState
}

/** Whether the server that served this page breaks anything. Never rejects. */
export async function findBreaker(): Promise<Breaker | undefined> {
  try {
    const first = await ask({})
    const token = readToken(first)
    let servers = serverStateOf(brokenIn(first))
    const headers = { 'content-type': 'application/json', 'x-demo-token': token }
    const post = (kind: ServerBreak | ServerSwitch) => ask({ method: 'POST', headers, body: JSON.stringify({ kind }) })
    return {
      breakNow: async (kind) => readBroken(await post(kind)),
      async switchServers(how) {
        await post(how)
      },
      async broken() {
        const broken = brokenIn(await ask({}))
        servers = serverStateOf(broken)
        return broken
      },
      get servers() {
        return servers
      }
    }
  } catch {
    return undefined
  }
}

async function ask(init: RequestInit): Promise<unknown> {
  const response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(deadlineMs), ...init }).catch((cause: unknown) => {
    throw new Error(`the demo's server does not answer (${messageOf(cause)})`, { cause })
  })
  const said: unknown = await response.json().catch(() => undefined)
  if (response.ok) return said
  const problem = typeof said === 'object' && said !== null && 'problem' in said ? said.problem : undefined
  throw new Error(typeof problem === 'string' ? problem : `the server answered ${response.status}`)
}

function brokenIn(said: unknown): readonly unknown[] {
  return typeof said === 'object' && said !== null && 'broken' in said && Array.isArray(said.broken) ? said.broken : []
}

function readToken(said: unknown): string {
  const token = typeof said === 'object' && said !== null && 'token' in said ? said.token : undefined
  if (typeof token !== 'string') throw new Error(`${path}: expected a token`)
  return token
}

function readBroken(said: unknown): Broken {
  const { killed, mendsInMs, liar } = (typeof said === 'object' && said !== null ? said : {}) as Record<string, unknown>
  if (!Array.isArray(killed) || !killed.every((peerId) => typeof peerId === 'string') || typeof mendsInMs !== 'number')
    throw new Error(`${path}: expected what was broken, got ${JSON.stringify(said)?.slice(0, 60) ?? 'nothing'}`)
  return { killed, mendsInMs, liar: typeof liar === 'string' ? liar : null }
}
