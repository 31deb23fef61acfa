/**
 * What the demo breaks of its own network when a person asks for it, one thing at a time, and how that is mended again: the relay or half
 * of the Node peers are killed, a liar is sent in, the relay or all servers are stopped until they are started again. All of it is real:
 * sockets end without a goodbye, and who comes back is who it was, at the same ports. Called by demo-control.ts for pages.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '../../src/core/values/reason.ts'
import { type BreakKind, type BreakReport, Busy } from './demo-control.ts'
import { type Liar, startLiar } from './demo-liar.ts'
import type { DemoNetwork } from './demo-network.ts'
import type { DemoNodePeer } from './demo-node-peer.ts'

/** As a server that restarts. */
const relayAwayMs = 4_000
/** Long enough that a pool has to find others. */
const halfAwayMs = 20_000
const liarStaysMs = 20_000
/** Between two tries to start again: its port may be in use for a moment. */
const retryMs = 500
const maxTries = 10

export interface BreaksOptions {
  readonly network: Pick<DemoNetwork, 'peers' | 'spares' | 'guest' | 'pageSettings'>
  /** What happens, for the terminal. */
  note?(peer: DemoNodePeer, text: string): void
}

const busyWords = {
  kill: 'Node peers are killed already; wait until they are back',
  liar: 'a liar is here already; wait until it is gone',
  stop: 'servers are being stopped or started; wait a moment'
} as const

/** Kills and stops exclude each other, and so do liars. */
type Place = keyof typeof busyWords

const placeOf: Readonly<Record<BreakKind, Place>> = {
  relay: 'kill',
  half: 'kill',
  liar: 'liar',
  'stop-relay': 'stop',
  'stop-servers': 'stop',
  'start-servers': 'stop'
}

export class DemoBreaks {
  readonly #options: BreaksOptions
  readonly #over = new AbortController()
  /** What is broken, at most one of each; resolves when it is mended. */
  readonly #broken = new Map<Place, Promise<void>>()
  /** Until they are started again. */
  #stopped: readonly DemoNodePeer[] = []

  constructor(options: BreaksOptions) {
    this.#options = options
  }

  /** What is broken now. `relay-stopped`, `servers-stopped`: until a person starts them again. */
  get broken(): readonly (Place | 'relay-stopped' | 'servers-stopped')[] {
    const stopped = this.#stopped.length === 0 ? [] : [this.isAllStopped ? ('servers-stopped' as const) : ('relay-stopped' as const)]
    return [...this.#broken.keys(), ...stopped]
  }

  /** All Node peers are stopped: the guest stays away, too. */
  get isAllStopped(): boolean {
    return this.#stopped.length > 1
  }

  /** Resolves when it is broken, or what was stopped runs again. Rejects with `Busy` while the last break of this sort is not mended. */
  readonly breakNow = async (kind: BreakKind): Promise<BreakReport> => {
    const place = placeOf[kind]
    for (const other of place === 'liar' ? ([place] as const) : (['kill', 'stop'] as const))
      if (this.#broken.has(other)) throw new Busy(busyWords[other])
    if (place === 'kill' && this.#stopped.length > 0) throw new Busy('servers are stopped; start them first')
    const mended = Promise.withResolvers<void>()
    this.#broken.set(place, mended.promise)
    const free = (): void => {
      this.#broken.delete(place)
      mended.resolve()
    }
    try {
      this.#over.signal.throwIfAborted()
      const { report, mend } = await this.#perform(kind)
      if (report.mendsInMs === null) free()
      else void this.#after(report.mendsInMs).then(mend).then(free, free)
      return report
    } catch (error) {
      free()
      throw error
    }
  }

  /** Breaks nothing more; liars are gone afterwards, and what was killed stays so. */
  async stop(): Promise<void> {
    this.#over.abort(new Error('the demo is over'))
    await Promise.all(this.#broken.values())
  }

  async #perform(kind: BreakKind): Promise<Broken> {
    const { peers, spares, guest } = this.#options.network
    const [relay, ...others] = peers
    if (relay === undefined) throw new Error('the demo has no relay')
    if (kind === 'liar') return this.#sendLiar(relay)
    if (kind === 'relay') return this.#kill(kind, [relay], relayAwayMs)
    if (kind === 'stop-relay') return this.#stopServers(kind, [relay])
    if (kind === 'stop-servers') return this.#stopServers(kind, [...peers, ...spares, guest])
    if (kind === 'start-servers') return this.#startServers()
    // The longest running first: pages are connected with those, and not with the ones that were just killed.
    const running = [...others, ...spares].filter(({ isRunning }) => isRunning).sort((a, b) => a.startedAt - b.startedAt)
    const resting = spares.filter(({ isRunning }) => !isRunning)
    const killed = this.#kill(kind, running.slice(0, Math.ceil((running.length + 1) / 2)), halfAwayMs)
    void Promise.all(resting.map((spare) => this.#start(spare, 'is new here')))
    return killed
  }

  #kill(kind: BreakKind, peers: readonly DemoNodePeer[], awayMs: number): Broken {
    const killed = peers.map(({ peerId }) => peerId)
    for (const peer of peers) this.#note(peer, `was killed; it comes back in ${awayMs / 1_000} s`)
    // Their sockets are gone at once; the rest of them takes a moment.
    const gone = Promise.allSettled(peers.map((peer) => peer.kill()))
    return {
      report: { kind, killed, mendsInMs: awayMs, liar: null },
      mend: async () => {
        await gone
        await Promise.all(peers.map((peer) => this.#start(peer, 'is back')))
      }
    }
  }

  /** As a kill, but nothing comes back by itself. */
  async #stopServers(kind: BreakKind, peers: readonly DemoNodePeer[]): Promise<Broken> {
    const running = peers.filter(({ isRunning }) => isRunning)
    for (const peer of running) this.#note(peer, 'was stopped; a button in the page starts it again')
    this.#stopped = [...new Set([...this.#stopped, ...running])]
    await Promise.allSettled(running.map((peer) => peer.kill()))
    return this.#done(kind, running)
  }

  async #startServers(): Promise<Broken> {
    const { guest } = this.#options.network
    const peers = this.#stopped
    this.#stopped = []
    // The guest comes when it is its time.
    await Promise.all(peers.filter((peer) => peer !== guest).map((peer) => this.#start(peer, 'is back')))
    return this.#done('start-servers', [])
  }

  #done(kind: BreakKind, peers: readonly DemoNodePeer[]): Broken {
    return { report: { kind, killed: peers.map(({ peerId }) => peerId), mendsInMs: null, liar: null }, mend: async () => undefined }
  }

  async #sendLiar(relay: DemoNodePeer): Promise<Broken> {
    const { network, trustedPoints } = this.#options.network.pageSettings
    const host = /^\/ip4\/([\d.]+)\//.exec(trustedPoints[0] ?? '')?.[1] ?? '127.0.0.1'
    const liar: Liar = await startLiar({ host, network })
    this.#note(relay, 'a liar is at the next port')
    return { report: { kind: 'liar', killed: [], mendsInMs: liarStaysMs, liar: liar.address }, mend: () => liar.stop() }
  }

  async #start(peer: DemoNodePeer, what: string): Promise<void> {
    for (let tries = 1; !this.#over.signal.aborted; tries++) {
      try {
        await peer.start()
        this.#note(peer, what)
        return
      } catch (error) {
        if (tries >= maxTries) {
          this.#note(peer, `could not start: ${messageOf(error)}`)
          return
        }
        await wait(retryMs)
      }
    }
  }

  /** Resolves after so long, or when the demo is over. */
  async #after(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.#over.signal }).catch(() => undefined)
  }

  #note(peer: DemoNodePeer, text: string): void {
    this.#options.note?.(peer, text)
  }
}

interface Broken {
  readonly report: BreakReport
  mend(): Promise<void>
}
