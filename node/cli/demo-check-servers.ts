/**
 * The facts about "Without servers", in a demo of its own: its servers are stopped by the button of a page, the pages go on and meet by
 * introductions, and the servers are used again when they are back.
 */
import type { PeerId } from '../index.ts'
import type { DemoBrowser } from './demo-browser.ts'
import { violationsOf } from './demo-check-access.ts'
import { seenBy } from './demo-check-context.ts'
import { eventually, expectThat, type Facts, seconds } from './demo-facts.ts'
import { answerOf, isJoined, linkOf, takeAnswer } from './demo-invitation.ts'
import type { Demo } from './demo-start.ts'
import { DemoTab } from './demo-tab.ts'

/** Three pages can keep it alone: each holds the two others. */
const pagesBand = { min: 2, expected: 3, max: 8 }
const inBandWithinMs = 30_000
/** A trusted point is dialed once in so long while it does not answer, and a minute later at most. */
const backWithinMs = 75_000

export interface ServersContext {
  readonly facts: Facts
  /** Of its own. */
  readonly demo: Demo
  readonly browser: DemoBrowser
  /** Ports where WebSockets may fail. */
  readonly closedPorts: Set<number>
}

/** The pages, which are open still. */
export async function checkServers({ facts, demo, browser, closedPorts }: ServersContext): Promise<readonly DemoTab[]> {
  const { peers } = demo.network
  for (const peer of peers)
    closedPorts.add(Number(new URL(peer.multiaddr('ws').replace(/^\/ip4\/([\d.]+)\/tcp\/(\d+).*/, 'ws://$1:$2')).port))
  const servers = new Set<PeerId>(peers.map(({ peerId }) => peerId))
  const tabs: DemoTab[] = []
  await facts.holds('in a fourth demo three pages hold servers, and at least one other page each', async () => {
    for (const name of ['page P', 'page Q', 'page R']) {
      const tab = await browser.open(name, {}, demo.url)
      tabs.push(tab)
      await tab.started()
      await eventually(async () => (tabs.length === 1 || (await pagesOf(tab)) > 0 ? true : undefined), {
        expected: `${name} to hold another page`,
        seen: () => seenBy(tab)
      })
    }
    return undefined
  })
  const [first, second] = tabs
  if (first === undefined || second === undefined || tabs.length < 3) return tabs
  await facts.holds('a page stops all servers by its button: each page says that none is reachable, and what goes on', async () => {
    await first.page.locator('[data-action="stop-servers"]').click()
    for (const tab of tabs) await says(tab, 'No server is reachable')
    expectThat(await second.page.getByTestId('alone').isVisible(), { expected: 'what goes on and what does not', seen: 'nothing of it' })
    expectThat(
      peers.every(({ isRunning }) => !isRunning),
      { expected: 'no Node peer to run', seen: peers.map(({ name, isRunning }) => [name, isRunning]) }
    )
    return (await second.page.getByTestId('server-state').innerText()).trim()
  })
  await facts.holds('without any server all three pages are in their bands', async () => {
    const stoppedAt = performance.now()
    // Before, a smaller one would close connections.
    for (const tab of tabs) await tab.setBand(pagesBand)
    for (const tab of tabs) await isInBand(tab)
    const details = await Promise.all(
      tabs.map(async (tab) => `${tab.name} ${(await tab.snapshot()).active}, ${await introducedIn(tab)} introduced`)
    )
    return `after ${seconds(performance.now() - stoppedAt)} s: ${details.join('; ')}`
  })
  await facts.holds('axe finds nothing to object to in a page without servers, light and dark', async () => {
    const light = await violationsOf(second.page, 'light')
    return `${light} + ${await violationsOf(second.page, 'dark')} rules kept`
  })
  await facts.holds('a new page joins by an invitation while no server runs, and meets the other pages by introductions', async () => {
    const newcomer = await browser.open('the newcomer', {}, await linkOf(first))
    tabs.push(newcomer)
    await newcomer.started()
    const startedAt = performance.now()
    const answer = await answerOf(newcomer)
    await newcomer.setBand(pagesBand)
    await takeAnswer(first, 'no answer')
    const refused = await first.page.getByTestId('invite-error').innerText()
    await takeAnswer(first, answer)
    await isJoined(newcomer)
    const joinedAt = performance.now()
    await isInBand(newcomer)
    await eventually(async () => (await newcomer.page.getByTestId('introduced-row').count()) > 0 || undefined, {
      expected: 'the newcomer to show a connection by an introduction',
      seen: () => newcomer.page.locator('#without-servers').innerText()
    })
    const times = `joined after ${seconds(joinedAt - startedAt)} s, in its band after ${seconds(performance.now() - startedAt)} s`
    return `${times}; ${await newcomer.page.getByTestId('introduced-count').innerText()} “${refused}”`
  })
  await facts.holds('text that is no invitation is refused in words', async () => {
    const said: string[] = []
    for (const text of ['nonsense', `${demo.url}#join=p2p-pool:1:i;x`]) {
      await second.page.getByTestId('join-input').fill(text)
      await second.page.locator('[data-action="join"]').click()
      said.push(await second.page.getByTestId('join-error').innerText())
      expectThat(said.at(-1)?.startsWith('Not joined: ') === true, { expected: 'why', seen: said })
    }
    return said.map((words) => `“${words}”`).join(', ')
  })
  await facts.holds('the servers are started by a button in another page, and used again by all', async () => {
    const startedAt = performance.now()
    await second.page.locator('[data-action="start-servers"]').click()
    for (const tab of tabs)
      await eventually(async () => ((await tab.snapshot()).connections.some(({ peerId }) => servers.has(peerId)) ? true : undefined), {
        withinMs: backWithinMs,
        expected: `${tab.name} to hold a server`,
        seen: () => seenBy(tab)
      })
    await says(first, 'connected')
    return `after ${seconds(performance.now() - startedAt)} s`
  })
  await facts.holds('a tab that follows invites, and a new page joins by the link', async () => {
    // Else its answer would have to be carried.
    await eventually(async () => (await first.snapshot()).ownPoints.some((point) => point.includes('/webrtc')) || undefined, {
      withinMs: backWithinMs,
      expected: `${first.name} to be reachable over the relay`,
      seen: () => seenBy(first)
    })
    const follower = new DemoTab('the tab that follows', await first.page.context().newPage())
    await follower.page.goto(demo.url)
    tabs.push(follower)
    await follower.started()
    expectThat(!(await follower.isOwner()), { expected: 'a tab that follows', seen: 'one that runs the pool' })
    const newcomer = await browser.open('the newcomer by a link', {}, await linkOf(follower))
    tabs.push(newcomer)
    await newcomer.started()
    await isJoined(newcomer)
    expectThat(!newcomer.page.url().includes('#join'), { expected: 'the invitation taken out of the address', seen: newcomer.page.url() })
    const words = await newcomer.page.getByTestId('join-result').innerText()
    return words.replaceAll('\n', ' ')
  })
  return tabs
}

async function pagesOf(tab: DemoTab): Promise<number> {
  return (await tab.snapshot()).connections.filter(({ transport }) => transport === 'webrtc').length
}

async function introducedIn(tab: DemoTab): Promise<number> {
  return (await tab.snapshot()).connections.filter(({ introducer }) => introducer !== null).length
}

async function says(tab: DemoTab, words: string): Promise<void> {
  const state = tab.page.getByTestId('server-state')
  await eventually(async () => ((await state.innerText()).includes(words) ? true : undefined), {
    expected: `${tab.name} to say “${words}”`,
    seen: () => state.innerText()
  })
}

async function isInBand(tab: DemoTab): Promise<void> {
  await eventually(
    async () => {
      const { active, bounds } = await tab.snapshot()
      return active >= bounds.minTarget ? true : undefined
    },
    { withinMs: inBandWithinMs, expected: `${tab.name} to hold enough peers`, seen: () => seenBy(tab) }
  )
}
