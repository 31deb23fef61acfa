/** `p2p-pool top`: looks at the peer once a second, and does what the keys say. What it shows is made in `top-screen.ts`. */
import type { Explanation } from '../../src/core/decisions/explain.ts'
import type { ConnectionSnapshot, PoolSnapshot } from '../../src/core/values/snapshot.ts'
import { plainError } from './command-error.ts'
import type { ControlClient } from './control-client.ts'
import type { ControlEvent } from './control-lines.ts'
import { orderConnections, sortKeys } from './listings.ts'
import { type PeerStatus, readStatus } from './peer-status.ts'
import type { Terminal } from './terminal.ts'
import { type TopRow, topLines } from './top-screen.ts'

const lookMs = 1_000
const maxEvents = 64
const banMs = 3_600_000

export interface TopOptions {
  readonly terminal: Terminal
  readonly hasColors: boolean
  /** Ends it, as `q` does. */
  readonly signal: AbortSignal
}

/** Resolves when the person has seen enough. Rejects with `CommandError` when the peer is gone. */
export function runTop(client: ControlClient, options: TopOptions): Promise<void> {
  return new Top(client, options).run()
}

class Top {
  readonly #client: ControlClient
  readonly #options: TopOptions
  readonly #end = Promise.withResolvers<void>()
  /** The socket answers one question after the other. */
  #work: Promise<void> = Promise.resolve()
  #waiting = 0
  #status: PeerStatus | undefined
  #rows: readonly TopRow[] = []
  #lookedAt = 0
  #events: readonly ControlEvent[] = []
  #sort: keyof typeof sortKeys = 'age'
  #selected: string | undefined
  #message = ''
  /** What `y` does. */
  #question: (() => Promise<string>) | undefined

  constructor(client: ControlClient, options: TopOptions) {
    this.#client = client
    this.#options = options
  }

  async run(): Promise<void> {
    const { terminal, signal } = this.#options
    const end = (): void => this.#end.resolve()
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    const leave = terminal.enter((key) => this.#pressed(key))
    // A peer that is slow is not asked more and more.
    const timer = setInterval(() => this.#waiting === 0 && this.#enqueue(() => this.#look()), lookMs)
    this.#enqueue(() => this.#look())
    try {
      await this.#end.promise
    } finally {
      clearInterval(timer)
      signal.removeEventListener('abort', end)
      leave()
    }
  }

  #enqueue(work: () => Promise<void>): void {
    this.#waiting++
    this.#work = this.#work
      .then(work)
      .catch(this.#end.reject)
      .finally(() => this.#waiting--)
  }

  async #look(): Promise<void> {
    this.#status = readStatus(await this.#client.ask('status'))
    const { connections = [] } = (await this.#client.ask('snapshot', ['connections'])) as Partial<PoolSnapshot>
    const events: ControlEvent[] = []
    for await (const event of this.#client.events({ follow: false, signal: this.#options.signal })) events.push(event)
    this.#events = events.slice(-maxEvents)
    this.#rows = this.#rated(connections)
    this.#draw()
  }

  /** With what came and went since the look before. */
  #rated(connections: readonly ConnectionSnapshot[]): readonly TopRow[] {
    const now = performance.now()
    const seconds = Math.max(0.001, (now - this.#lookedAt) / 1_000)
    this.#lookedAt = now
    const before = new Map(this.#rows.map((row) => [row.peerId, row]))
    return connections.map((connection) => {
      const last = before.get(connection.peerId)
      const isSame = last?.establishedAt === connection.establishedAt
      const rate = (field: 'bytesReceived' | 'bytesSent'): number => (isSame ? Math.max(0, connection[field] - last[field]) / seconds : 0)
      return { ...connection, receiving: rate('bytesReceived'), sending: rate('bytesSent') }
    })
  }

  get #ordered(): readonly TopRow[] {
    return orderConnections(this.#rows, this.#sort)
  }

  #draw(): void {
    const { terminal, hasColors } = this.#options
    if (this.#status === undefined) return
    const rows = this.#ordered
    const selected = Math.max(
      0,
      rows.findIndex(({ peerId }) => peerId === this.#selected)
    )
    const view = { status: this.#status, rows, sort: this.#sort, selected, events: this.#events, message: this.#message }
    terminal.draw(topLines(view, { columns: terminal.columns, rows: terminal.rows, hasColors }))
  }

  #pressed(key: string): void {
    if (key === 'q' || key === 'ctrl-c') {
      this.#end.resolve()
      return
    }
    const question = this.#question
    this.#question = undefined
    this.#message = ''
    if (key === 'y' && question !== undefined) {
      this.#answer(question)
      return
    }
    const rows = this.#ordered
    const at = Math.max(
      0,
      rows.findIndex(({ peerId }) => peerId === this.#selected)
    )
    const peerId = rows[at]?.peerId
    switch (key) {
      case 'up':
      case 'down':
        this.#selected = rows[at + (key === 'up' ? -1 : 1)]?.peerId ?? peerId
        break
      case 's': {
        const names = Object.keys(sortKeys) as (keyof typeof sortKeys)[]
        this.#sort = names[(names.indexOf(this.#sort) + 1) % names.length] ?? 'age'
        break
      }
      case 'w':
        if (peerId !== undefined) this.#answer(async () => ((await this.#client.ask('explain', peerId)) as Explanation).text)
        break
      case 'd':
        this.#ask(peerId, 'disconnect', (target) => this.#client.ask('disconnect', target))
        break
      case 'b':
        this.#ask(peerId, 'ban for an hour', (target) => this.#client.ask('peers.ban', target, { endsAt: Date.now() + banMs }))
        break
    }
    this.#draw()
  }

  #ask(peerId: string | undefined, what: string, act: (peerId: string) => Promise<unknown>): void {
    if (peerId === undefined) return
    this.#message = `${what}: ${peerId}? y/n`
    this.#question = async () => {
      await act(peerId)
      return `${what}: ${peerId}: done`
    }
  }

  /** An error of the pool is an answer, too. */
  #answer(question: () => Promise<string>): void {
    this.#enqueue(async () => {
      this.#message = await question().catch((error: unknown) => plainError(error).message)
      await this.#look()
    })
  }
}
