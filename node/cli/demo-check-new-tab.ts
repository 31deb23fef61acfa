/** The fact that the page's first instruction works: a second peer in a new tab, which hides the first, meets it. In real tabs. */

import type { PeerId } from '../index.ts'
import { eventually, expectThat, type Facts, seconds } from './demo-facts.ts'
import type { Demo } from './demo-start.ts'
import type { HidingBrowser, HidingTab } from './hiding-windows.ts'

const rounds = 10
/** From the moment the new tab is opened. */
const metWithinMs = 10_000
/** A first page has filled its band and can be reached by then, however busy the machine is. */
const readyWithinMs = 60_000
/** One that is late is waited for, to tell how late it was. */
const lateMs = 30_000

export interface NewTabsOptions {
  readonly facts: Facts
  /** For people. */
  readonly name: string
  readonly browser: HidingBrowser
  /** Of its own: other pages would be met first. */
  readonly demo: Demo
}

export async function checkNewTabs({ facts, name, browser, demo }: NewTabsOptions): Promise<void> {
  await facts.holds(
    `${name}: a new tab hides the first one and meets it within 10 s, ${rounds} of ${rounds} times`,
    async () => {
      const times: number[] = []
      for (let round = 1; round <= rounds; round++) times.push(await roundOf(browser, demo))
      const late = times.filter((ms) => ms > metWithinMs)
      const shown = times.map((ms) => (ms === Number.POSITIVE_INFINITY ? 'never' : seconds(ms))).join(', ')
      expectThat(late.length === 0, { expected: `at most ${seconds(metWithinMs)} s each time`, seen: shown })
      return `${shown} s`
    },
    { withinMs: rounds * (readyWithinMs + lateMs) }
  )
  await facts.holds(`${name}: nothing was thrown in these pages, and there is no error on their consoles`, async () => {
    const { complaints, consoleErrors } = browser
    expectThat(complaints.length + consoleErrors.length === 0, { expected: 'none', seen: [...complaints, ...consoleErrors] })
    return undefined
  })
}

/** How long it took, ms; infinite: they did not meet. */
async function roundOf(browser: HidingBrowser, { url, network }: Demo): Promise<number> {
  const first = await browser.open(url)
  try {
    const firstId = await started(first)
    await eventually(async () => isReady(await viewOf(first), network.peers.length), {
      withinMs: readyWithinMs,
      expected: 'the first page to hold all Node peers and to be reachable',
      seen: () => viewOf(first)
    })
    const openedAt = Date.now()
    const second = await first.openBeside(`${url}?tab=own`)
    const secondId = await started(second)
    await eventually(async () => (await first.evaluate(() => document.visibilityState)) === 'hidden' || undefined, {
      expected: 'the new tab to hide the first one'
    })
    const metAt = await eventually(
      async () => {
        const [seen, back] = await Promise.all([metAtOf(second, firstId), metAtOf(first, secondId)])
        if (seen !== undefined && back !== undefined) return Math.max(seen, back)
        return Date.now() - openedAt > lateMs ? Number.POSITIVE_INFINITY : undefined
      },
      { withinMs: 2 * lateMs, expected: 'the two tabs to hold each other' }
    )
    return metAt - openedAt
  } finally {
    await first.leave()
  }
}

function started(tab: HidingTab): Promise<PeerId> {
  // A tab that is still loading the page throws away what is asked of it.
  const peerId = async () => (await viewOf(tab).catch(() => null))?.peerId
  return eventually(peerId, { withinMs: readyWithinMs, expected: 'the page to run its pool' })
}

interface View {
  readonly peerId: PeerId
  readonly active: number
  readonly isReachable: boolean
}

function viewOf(tab: HidingTab): Promise<View | null> {
  return tab.evaluate(() => {
    const snapshot = globalThis.p2pPool?.snapshot()
    if (snapshot === undefined || (snapshot.status !== 'running' && snapshot.status !== 'suspended')) return null
    const { peerId, active, ownPoints } = snapshot
    return { peerId, active, isReachable: ownPoints.some((point) => point.includes('/webrtc')) }
  })
}

function isReady(view: View | null, nodePeers: number): true | undefined {
  return (view !== null && view.active >= nodePeers && view.isReachable) || undefined
}

async function metAtOf(tab: HidingTab, peerId: PeerId): Promise<number | undefined> {
  const at = await tab.evaluate((id) => {
    const met = globalThis.p2pPool?.snapshot()?.connections.find((one) => one.peerId === id)
    return met?.transport === 'webrtc' ? met.establishedAt : null
  }, peerId)
  return at ?? undefined
}
