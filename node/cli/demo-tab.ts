/**
 * One open page of the demo, as the check sees and uses it: through the page's own pool where numbers are wanted, and
 * through buttons and lists where a person would look. The page promises its test ids and `globalThis.p2pPool` in
 * web/demo/main.ts.
 */
import type { Locator, Page } from 'playwright-core'
import type { ConnectionBand, ConnectionSnapshot, PeerId, Point, PoolSnapshot, Rejection } from '../index.ts'
import { eventually } from './demo-facts.ts'
import { endedInFirefox, failedInFirefox } from './firefox.ts'

/** A dial of the page's own deadline of 10 s, and time to draw. */
const dialDeadlineMs = 30_000
const startDeadlineMs = 60_000

/** What Chromium itself says of a WebSocket that nobody took; pages cannot keep it from saying so. */
const failedWebSocket = /^WebSocket connection to '([^']+)' failed/

/** A connection of libp2p below the pool's. */
export interface SeenLibp2pConnection {
  readonly remoteAddress: string
  readonly limited: boolean
}

export class DemoTab {
  readonly name: string
  readonly page: Page
  /** Errors nobody caught, errors and warnings on the console, crashes. The check allows none. */
  readonly problems: string[] = []
  /** Addresses of WebSockets that failed, as the console says. */
  readonly failedWebSockets: string[] = []
  #peerId: PeerId | undefined

  constructor(name: string, page: Page) {
    this.name = name
    this.page = page
    page.on('pageerror', (error) => {
      const address = failedInFirefox.exec(error.message)?.[1]
      if (endedInFirefox.test(error.message)) return
      if (address === undefined) this.problems.push(`uncaught: ${error.stack ?? error.message}`)
      else this.failedWebSockets.push(address)
    })
    page.on('crash', () => this.problems.push('the page crashed'))
    page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return
      const address = failedWebSocket.exec(message.text())?.[1]
      if (address === undefined) this.problems.push(`console: ${message.text()} (${message.location().url})`)
      else this.failedWebSockets.push(address)
    })
  }

  /** What went wrong in it, but for WebSockets to ports that the check itself closed. */
  troubles(closedPorts: ReadonlySet<number>): string[] {
    const unexplained = this.failedWebSockets.filter((address) => !closedPorts.has(Number(new URL(address).port)))
    return [...this.problems, ...unexplained.map((address) => `no WebSocket to ${address}`)]
  }

  /** Known once `started` has resolved; after a reload it is still the one of before. */
  get peerId(): PeerId {
    if (this.#peerId === undefined) throw new Error(`${this.name} has not run its pool yet`)
    return this.#peerId
  }

  /** Resolves with the peer id once the pool runs; rejects with what the page says instead. */
  async started(): Promise<PeerId> {
    const peerId = await eventually(
      async () => {
        const snapshot = await this.page.evaluate(() => globalThis.p2pPool?.snapshot())
        return snapshot?.status === 'running' ? snapshot.peerId : undefined
      },
      { withinMs: startDeadlineMs, expected: `${this.name} to run its pool`, seen: () => this.page.locator('body').innerText() }
    )
    this.#peerId ??= peerId
    return peerId
  }

  snapshot(): Promise<PoolSnapshot> {
    return this.page.evaluate(() => {
      const snapshot = globalThis.p2pPool?.snapshot()
      if (snapshot === undefined) throw new Error('the page knows nothing of its pool yet')
      return snapshot
    })
  }

  /** Whether the pool runs in this tab. */
  isOwner(): Promise<boolean> {
    return this.page.evaluate(() => globalThis.p2pPool?.role === 'owner')
  }

  async connectionTo(peerId: PeerId): Promise<ConnectionSnapshot | undefined> {
    return (await this.snapshot()).connections.find((connection) => connection.peerId === peerId)
  }

  libp2pConnections(peerId: PeerId): Promise<SeenLibp2pConnection[]> {
    return this.page.evaluate(
      (id) =>
        (globalThis.p2pPool?.owned?.node.getConnections() ?? [])
          .filter(({ remotePeer, status }) => remotePeer.toString() === id && status === 'open')
          .map(({ remoteAddr, limits }) => ({ remoteAddress: remoteAddr.toString(), limited: limits !== undefined })),
      peerId
    )
  }

  trustedPoints(): Promise<readonly Point[]> {
    return this.page.evaluate(() => (globalThis.p2pPool?.owned?.pool.config.trustedPoints ?? []).map(({ point }) => point))
  }

  /** What a `connect` of the page's pool comes to: its rejection, or nothing if it connected. */
  connect(point: Point): Promise<Rejection | undefined> {
    return this.page.evaluate(async (to) => {
      try {
        await globalThis.p2pPool?.connect(to)
        return undefined
      } catch (error) {
        const rejection = error instanceof Error && 'rejection' in error ? (error.rejection as Rejection | undefined) : undefined
        return rejection ?? { kind: 'cancelled', detail: String(error) }
      }
    }, point)
  }

  // What a person sees and does.

  connectionRow(peerId: PeerId): Locator {
    return this.page.locator(`[data-testid="connection-row"][data-peer="${peerId}"]`)
  }

  /** Of the connections that are drawn. */
  drawnPeers(transport: string): Promise<string[]> {
    return this.page
      .locator(`[data-testid="connection-row"][data-transport="${transport}"]`)
      .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-peer') ?? ''))
  }

  /** About a peer that was disconnected here by hand. */
  leftAloneRow(peerId: PeerId): Locator {
    return this.page.locator(`[data-testid="left-alone-row"][data-peer="${peerId}"]`)
  }

  /** How the page says that it can be reached. */
  reachWords(): Promise<string> {
    return this.page.getByTestId('own-reach').innerText()
  }

  /** How the dots before known points are drawn, by the condition that their rows name. */
  dotsByCondition(): Promise<Record<string, string[]>> {
    return this.page.locator('[data-testid="point-row"]').evaluateAll((rows) => {
      const looks: Record<string, string[]> = {}
      for (const row of rows) {
        const dot = row.querySelector('.state-dot')
        const state = row.getAttribute('data-condition') ?? 'none'
        if (dot !== null) looks[state] = [...(looks[state] ?? []), getComputedStyle(dot).backgroundColor]
      }
      return looks
    })
  }

  async say(text: string, to: PeerId): Promise<void> {
    await this.page.getByTestId('message-to').selectOption(to)
    await this.page.getByTestId('message-input').fill(text)
    await this.page.getByTestId('message-send').click()
  }

  /** Resolves once the page shows that it received this text from that peer. */
  async hears(text: string, from: PeerId): Promise<void> {
    const row = this.page.locator(`[data-testid="message-row"][data-direction="in"][data-peer="${from}"]`).filter({ hasText: text })
    await eventually(async () => ((await row.count()) > 0 ? true : undefined), {
      expected: `${this.name} to show the message ${JSON.stringify(text)}`,
      seen: () => this.page.getByTestId('message-list').innerText()
    })
  }

  /** Uses the box "Connect to an address"; gives what the page answers. */
  async dial(address: string): Promise<{ readonly connected: boolean; readonly words: string }> {
    await this.page.getByTestId('dial-input').fill(address)
    await this.page.getByTestId('dial-button').click()
    const result = this.page.getByTestId('dial-result')
    return eventually(
      async () => {
        const kind = await result.getAttribute('data-result')
        return kind === 'good' || kind === 'failed'
          ? { connected: kind === 'good', words: (await result.innerText()).replaceAll('\n', ' ') }
          : undefined
      },
      { withinMs: dialDeadlineMs, expected: `an answer to the dial of ${JSON.stringify(address)}`, seen: () => result.innerText() }
    )
  }

  async setBand(band: ConnectionBand): Promise<void> {
    for (const name of ['min', 'expected', 'max'] as const) {
      const input = this.page.locator(`#band-${name}`)
      // In Firefox Playwright writes a number behind the one that is there.
      await input.clear()
      await input.fill(String(band[name]))
    }
    await this.page.locator('[data-action="set-band"]').click()
    await eventually(async () => JSON.stringify((await this.snapshot()).band) === JSON.stringify(band) || undefined, {
      expected: `${this.name} to keep the band ${JSON.stringify(band)}`,
      seen: async () => (await this.snapshot()).band
    })
  }

  async disconnect(peerId: PeerId): Promise<void> {
    await this.connectionRow(peerId).locator('[data-action="disconnect"]').click()
  }

  async ban(peerId: PeerId): Promise<void> {
    await this.connectionRow(peerId).locator('[data-action="ban"]').click()
  }

  async liftBan(peerId: PeerId): Promise<void> {
    await this.page.locator('#tab-bans').click()
    await this.page.locator(`[data-testid="ban-row"][data-peer="${peerId}"] [data-action="unban"]`).click()
  }
}
