/** Pages that find each other over two relays, and that then have none: the relays are killed, pages close and reload, and newcomers come by other pages. */
import type { PeerId } from '../../node/index.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { LongBrowser, type Tab } from './browser.ts'
import { pause } from './finding.ts'
import type { Hostility } from './hostile-introducer.ts'
import { RelayChild } from './relay-child.ts'
import type { Look, WatchedPage } from './watched-page.ts'

declare const long: WatchedPage

const network = 'long-run'
const relays = 2
/** Pages that are opened at a time. */
const atOnce = 2
/** A page that helps a newcomer is at least so old, ms. */
const hostAgeMs = 10_000
/** Between two attempts of a newcomer, ms. */
const againMs = 1_000
/** A newcomer that is not in its band by then tells what happened to it, ms. */
export const joinsWithinMs = 15_000
/** A newcomer gives up after so many. */
const maxAttempts = 20

/** One life of a page, from its start until it closes or reloads. */
export interface Life {
  readonly tab: Tab
  readonly peerId: PeerId
  readonly startedAt: number
  readonly kind: 'first' | 'newcomer' | 'reloaded' | Hostility
  last: Look | undefined
}

export class PageNetwork {
  readonly browser: LongBrowser
  readonly #relays: readonly RelayChild[]
  readonly #random: { next(): number }
  readonly #say: (line: string) => void
  readonly lives = new Set<Life>()
  /** Those that are over. */
  readonly past: Life[] = []
  /** Attempts of newcomers that did not lead to a connection. */
  failedJoins = 0

  static async start({ seed, say }: { readonly seed: number; readonly say: (line: string) => void }): Promise<PageNetwork> {
    const [browser, ...started] = await Promise.all([
      LongBrowser.launch('watched-page.ts'),
      ...Array.from({ length: relays }, () => RelayChild.start(network))
    ])
    return new PageNetwork({ browser, relays: started, seed, say })
  }

  private constructor({
    browser,
    relays,
    seed,
    say
  }: {
    browser: LongBrowser
    relays: readonly RelayChild[]
    seed: number
    say: (line: string) => void
  }) {
    this.browser = browser
    this.#relays = relays
    this.#random = seededRandom(seed)
    this.#say = say
  }

  /** `hostile`: the first one is. */
  async openAll(pages: number, hostile?: Hostility): Promise<void> {
    const kinds: Life['kind'][] = Array.from({ length: pages }, (_, i) => (i === 0 && hostile) || 'first')
    const openSome = async (): Promise<void> => {
      for (let kind = kinds.shift(); kind !== undefined; kind = kinds.shift()) await this.#begin(await this.browser.open(), kind)
    }
    await Promise.all(Array.from({ length: atOnce }, openSome))
  }

  killRelays(): void {
    for (const relay of this.#relays) relay.kill()
  }

  /** A page closes, and another one comes. */
  async replaceOne(): Promise<void> {
    const life = this.#any()
    if (life === undefined) return
    this.#end(life)
    await life.tab.end('closed')
    await this.#join(await this.#begin(await this.browser.open(), 'newcomer'))
  }

  async reloadOne(): Promise<void> {
    const life = this.#any()
    if (life === undefined) return
    this.#end(life)
    await life.tab.reload()
    await this.#join(await this.#begin(life.tab, 'reloaded'))
  }

  /** How the pages are now. One that closes meanwhile is left out. */
  async look(): Promise<readonly Life[]> {
    const looked = await Promise.all(
      [...this.lives].map(async (life) => {
        try {
          life.last = await life.tab.page.evaluate(() => long.look())
        } catch (error) {
          if (this.lives.has(life)) throw error
        }
        return life
      })
    )
    return looked.filter((life) => this.lives.has(life))
  }

  async stop(): Promise<void> {
    this.killRelays()
    await this.browser.close()
  }

  async #begin(tab: Tab, kind: Life['kind']): Promise<Life> {
    const init = { network, trustedPoints: this.#relays.map(({ point }) => point), introductions: true }
    const startedAt = performance.now()
    const hostile = kind === 'swallows' || kind === 'floods' ? kind : undefined
    const peerId = await tab.page.evaluate((given) => long.start(...given), [init, hostile] as const)
    const life: Life = { tab, peerId, startedAt, kind, last: undefined }
    this.lives.add(life)
    return life
  }

  #end(life: Life): void {
    this.lives.delete(life)
    this.past.push(life)
  }

  #any(): Life | undefined {
    const now = performance.now()
    const all = [...this.lives].filter((life) => now - life.startedAt > hostAgeMs && !isHostile(life))
    return all[Math.floor(this.#random.next() * all.length)]
  }

  /** The person at the newcomer asks one page after the other for a way in. */
  async #join(newcomer: Life): Promise<void> {
    await Promise.all([this.#askForWay(newcomer), this.#tellIfLate(newcomer)])
  }

  async #tellIfLate(newcomer: Life): Promise<void> {
    await pause(newcomer.startedAt + joinsWithinMs - performance.now())
    const { peers = [], min = 0 } = newcomer.last ?? {}
    if (!this.lives.has(newcomer) || peers.length >= min) return
    const story = await newcomer.tab.page.evaluate(() => long.story())
    this.#say(`a ${newcomer.kind} page is late, with ${peers.length} connections:\n  ${story.join('\n  ')}`)
  }

  async #askForWay(newcomer: Life): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const host = this.#any()
      try {
        if (host !== undefined && host !== newcomer) return await carryInvitation(newcomer.tab, host.tab)
      } catch (error) {
        this.failedJoins++
        this.#say(`a ${newcomer.kind} page did not get in: ${String(error).split('\n')[0]}`)
      }
      if (!this.lives.has(newcomer)) return
      await pause(againMs)
    }
  }
}

/** What two persons do: one gives a text, the other carries an answer back. */
async function carryInvitation(newcomer: Tab, host: Tab): Promise<void> {
  const text = await host.page.evaluate(() => long.invite())
  const reached = await newcomer.page.evaluate((given) => long.join(given), text)
  if (!('answer' in reached)) return
  await host.page.evaluate((answer) => long.accept(answer), reached.answer)
  await newcomer.page.evaluate(() => long.joined())
}

export function isHostile({ kind }: Life): boolean {
  return kind === 'swallows' || kind === 'floods'
}
