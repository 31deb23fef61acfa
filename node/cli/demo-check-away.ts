/** The facts about what a person does to one peer and sees of it: a peer that was disconnected by hand, and the relay's reservations. */
import type { PeerId } from '../index.ts'
import { type CheckContext, seenBy } from './demo-check-context.ts'
import { eventually, expectThat, pause } from './demo-facts.ts'
import type { DemoTab } from './demo-tab.ts'

/** Watched for so long; the page names a much longer wait. */
const awayMs = 6_000
/** The least that the page must name, s. */
const leastNamed = 30

export async function checkAway({ facts, first, second, demo }: CheckContext): Promise<void> {
  const [relay, friend] = demo.network.peers
  if (relay === undefined || friend === undefined) throw new Error('the demo has fewer than two Node peers')
  await facts.holds('page 1 says which relay holds a reservation for it, and how many that has left', async () => {
    const words = await eventually(async () => /holds a relay reservation.*reservations left/.exec(await first.reachWords())?.[0], {
      expected: 'a reservation, and how many are left',
      seen: () => first.reachWords()
    })
    const { max, left } = demo.network.reservations() ?? { max: 0, left: 0 }
    expectThat(left <= max - 2 && words.includes(` of ${max} `), {
      expected: `some of ${max}, two of them given at least`,
      seen: { words, left }
    })
    return `“${words}”`
  })
  const others = { 'a Node peer': friend.peerId, 'the relay': relay.peerId, 'page 2': second.peerId }
  await facts.holds(`page 1 disconnects ${Object.keys(others).join(', ')} by hand: they stay away, and it says until when`, () =>
    staysAway(first, Object.values(others))
  )
  await facts.holds('“Connect now” has each of them back at once', () => comesBack(first, Object.values(others)))
  await facts.holds('page 1 has its relay reservation again', async () => {
    await eventually(async () => (await first.reachWords()).includes('holds a relay reservation') || undefined, {
      expected: 'a reservation',
      seen: () => first.reachWords()
    })
    return undefined
  })
}

async function staysAway(tab: DemoTab, peerIds: readonly PeerId[]): Promise<string> {
  for (const peerId of peerIds) {
    await eventually(async () => (await tab.connectionRow(peerId).count()) === 1 || undefined, {
      expected: `${peerId} to be connected before`,
      seen: () => seenBy(tab)
    })
    await tab.disconnect(peerId)
  }
  const words: string[] = []
  for (const peerId of peerIds) {
    const row = tab.leftAloneRow(peerId)
    const text = await eventually(async () => ((await row.count()) === 1 && (await row.innerText())) || undefined, {
      expected: `a line about ${peerId}, which was disconnected`,
      seen: () => tab.page.locator('#connections').innerText()
    })
    words.push(text.replaceAll('\n', ' '))
  }
  const until = performance.now() + awayMs
  while (performance.now() < until) {
    const { connections } = await tab.snapshot()
    const held = connections.filter(({ peerId }) => peerIds.includes(peerId))
    expectThat(held.length === 0, { expected: `none of them for ${awayMs / 1_000} s`, seen: held })
    await pause(200)
  }
  const named = await Promise.all(
    peerIds.map(async (peerId) => /\((?:(\d+) min ?)?(?:(\d+) s)?\)/.exec(await tab.leftAloneRow(peerId).innerText()))
  )
  const waits = named.map((found) => (found === null ? undefined : Number(found[1] ?? 0) * 60 + Number(found[2] ?? 0)))
  expectThat(
    waits.every((wait) => wait === undefined || wait + awayMs / 1_000 >= leastNamed),
    { expected: `waits of ${leastNamed} s at least`, seen: waits }
  )
  return `“${words[0]}”`
}

async function comesBack(tab: DemoTab, peerIds: readonly PeerId[]): Promise<undefined> {
  for (const peerId of peerIds) {
    await tab.leftAloneRow(peerId).locator('[data-action="connect"]').click()
    await eventually(async () => (await tab.connectionRow(peerId).count()) === 1 || undefined, {
      expected: `${peerId} to be connected again`,
      seen: () => seenBy(tab)
    })
  }
  await eventually(async () => (await tab.page.getByTestId('left-alone-row').count()) === 0 || undefined, {
    expected: 'no line about disconnected peers any more'
  })
  return undefined
}
