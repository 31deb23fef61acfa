/** The facts about several tabs of one browser: they are one peer unless a tab wants to be its own, and one goes on when another is closed. */
import { violationsOf } from './demo-check-access.ts'
import type { CheckContext } from './demo-check-context.ts'
import { seenBy } from './demo-check-context.ts'
import { eventually, expectThat, seconds } from './demo-facts.ts'
import type { DemoTab } from './demo-tab.ts'

const takeOverDeadlineMs = 15_000
const backDeadlineMs = 45_000

export interface TabsContext extends CheckContext {
  /** Another tab in the browser of that one; `query` begins with a question mark. */
  openBeside(tab: DemoTab, name: string, query?: string): Promise<DemoTab>
}

/** Closes page 1; returns the tabs it opened. */
export async function checkTabs(context: TabsContext): Promise<readonly DemoTab[]> {
  const { facts, first, openBeside } = context
  const opened: DemoTab[] = []
  const beside = async (name: string, query?: string): Promise<DemoTab> => {
    const tab = await openBeside(first, name, query)
    opened.push(tab)
    return tab
  }
  let follower: DemoTab | undefined
  await facts.holds('another tab of the same browser follows page 1: the same peer and connections, and it says so', async () => {
    follower = await beside('the second tab')
    return follows(follower, first)
  })
  await facts.holds('a tab that wants to be a peer of its own is one', async () => {
    const own = await beside('the tab of its own', '?tab=own')
    const peerId = await own.started()
    expectThat(peerId !== first.peerId, { expected: 'another peer id', seen: peerId })
    await eventually(async () => (await own.snapshot()).active >= 3 || undefined, {
      expected: 'three connections',
      seen: () => seenBy(own)
    })
    return peerId
  })
  if (follower === undefined) return opened
  const heir = follower
  await facts.holds('what is done in the second tab is done by page 1: a message to a Node peer', () => speaksThrough(context, heir))
  await facts.holds(
    'axe finds nothing to object to in a tab that follows',
    async () => `${await violationsOf(heir.page, 'light')} rules kept`
  )
  await facts.holds('page 1 is closed: the second tab takes over within 15 s, as the same peer, and is connected again', () =>
    takesOver(heir, first)
  )
  await facts.holds('a page that is offline says so, and axe has nothing to object to', () => saysOffline(heir))
  return opened
}

/** Chromium tells the page that it is offline, but leaves the connections of this machine with itself alone. */
async function saysOffline({ page }: DemoTab): Promise<string> {
  await page.context().setOffline(true)
  await eventually(async () => (await page.getByTestId('pool-life').innerText()) === 'Offline' || undefined, {
    expected: 'the word “Offline”'
  })
  const rules = await violationsOf(page, 'dark')
  await page.context().setOffline(false)
  await eventually(async () => (await page.getByTestId('pool-life').innerText()) === 'Running' || undefined, {
    expected: 'the word “Running” again'
  })
  return `${rules} rules kept`
}

async function follows(tab: DemoTab, first: DemoTab): Promise<string> {
  const peerId = await tab.started()
  expectThat(peerId === first.peerId, { expected: first.peerId, seen: peerId })
  const words = tab.page.getByTestId('following')
  await eventually(async () => (await words.isVisible()) || undefined, {
    expected: 'the tab to say so',
    seen: () => tab.page.locator('header').innerText()
  })
  const held = (await first.snapshot()).connections.length
  await eventually(async () => (await tab.page.getByTestId('connection-row').count()) === held || undefined, {
    expected: `the ${held} connections of page 1 in its list`,
    seen: () => seenBy(tab)
  })
  return `${held} connections`
}

async function speaksThrough({ demo, mailbox, first }: CheckContext, tab: DemoTab): Promise<undefined> {
  const { connections } = await tab.snapshot()
  const listener = demo.network.peers.slice(1).find(({ peerId }) => connections.some((connection) => connection.peerId === peerId))
  if (listener === undefined) throw new Error('the page is connected with no Node peer but the relay')
  await tab.say('from a tab that follows', listener.peerId)
  await eventually(() => mailbox.has(listener, first.peerId, 'from a tab that follows') || undefined, {
    expected: `${listener.name} to get it`
  })
  await tab.hears('from a tab that follows', listener.peerId)
  return undefined
}

async function takesOver(tab: DemoTab, first: DemoTab): Promise<string> {
  const closedAt = performance.now()
  await first.page.close()
  await eventually(async () => ((await tab.page.getByTestId('following').isHidden()) && (await tab.isOwner())) || undefined, {
    withinMs: takeOverDeadlineMs,
    expected: 'the second tab to run the pool',
    seen: () => tab.page.locator('header').innerText()
  })
  const took = performance.now() - closedAt
  const { peerId } = await tab.snapshot()
  expectThat(peerId === first.peerId, { expected: first.peerId, seen: peerId })
  await eventually(async () => (await tab.drawnPeers('ws')).length >= 3 || undefined, {
    withinMs: backDeadlineMs,
    expected: 'at least three Node peers in its list',
    seen: () => seenBy(tab)
  })
  return `after ${seconds(took)} s; connected again after ${seconds(performance.now() - closedAt)} s`
}
