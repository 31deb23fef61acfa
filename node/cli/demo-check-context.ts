/** What the groups of facts of the check have in common: the two pages, the mailbox, and how to tell what a page sees. */
import type { PeerId } from '../index.ts'
import type { Facts } from './demo-facts.ts'
import type { DemoNodePeer } from './demo-node-peer.ts'
import type { Shutdown } from './demo-shutdown.ts'
import type { Demo } from './demo-start.ts'
import type { DemoTab } from './demo-tab.ts'

export interface CheckContext {
  readonly demo: Demo
  readonly facts: Facts
  readonly shutdown: Shutdown
  readonly first: DemoTab
  readonly second: DemoTab
  readonly mailbox: Mailbox
  /** Ports where the check itself closed what was listening: WebSockets may fail there. */
  readonly closedPorts: Set<number>
}

/** The messages that came to Node peers; the check sends some dozens. */
export class Mailbox {
  readonly #heard = new Set<string>()

  add(to: DemoNodePeer, from: PeerId, text: string): void {
    this.#heard.add(letter(to, from, text))
  }

  has(to: DemoNodePeer, from: PeerId, text: string): boolean {
    return this.#heard.has(letter(to, from, text))
  }
}

/** For a fact that does not hold. */
export async function seenBy(tab: DemoTab): Promise<unknown> {
  const { connections, points } = await tab.snapshot()
  return {
    connections: connections.map(({ peerId, transport }) => `${transport} ${peerId}`),
    points: points.map(
      ({ point, state, discoverySource, failures }) => `${state}, known by ${discoverySource}, ${failures} failures: ${point}`
    )
  }
}

function letter(to: DemoNodePeer, from: PeerId, text: string): string {
  return JSON.stringify([to.name, from, text])
}
