/**
 * The facts about "Break it yourself" and the shared text, in a demo of its own: each button ends with the band back, the stopwatch agrees
 * with the event log, and two pages have the same text before and after.
 */
import type { DemoBrowser } from './demo-browser.ts'
import { violationsOf } from './demo-check-access.ts'
import { seenBy } from './demo-check-context.ts'
import { eventually, expectThat, type Facts, seconds } from './demo-facts.ts'
import { falsePoints } from './demo-liar.ts'
import type { Demo } from './demo-start.ts'
import type { DemoTab } from './demo-tab.ts'

const breaks = ['relay', 'liar', 'half', 'cut', 'freeze'] as const
type BreakKind = (typeof breaks)[number]

const titles: Readonly<Record<BreakKind, string>> = {
  relay: 'the relay is killed',
  liar: 'a liar is sent in',
  half: 'half of the Node peers are killed',
  cut: 'the page’s network is cut',
  freeze: 'the page is frozen'
}

/** A connection that ends sooner counts as a failure of its peer. */
const settledMs = 10_500
/** The stopwatch and the event log may differ by so much. */
const agreeMs = 100

export interface BreaksContext {
  readonly facts: Facts
  /** Of its own. */
  readonly demo: Demo
  readonly browser: DemoBrowser
  /** Ports where WebSockets may fail. */
  readonly closedPorts: Set<number>
}

/** The two pages, which are open still; none if one does not run. */
export async function checkBreaks({ facts, demo, browser, closedPorts }: BreaksContext): Promise<readonly DemoTab[]> {
  for (const address of [...demo.network.peers.map((peer) => peer.multiaddr('ws')), ...falsePoints]) closedPorts.add(portOf(address))
  const tabs = await Promise.all(['page A', 'page B'].map((name) => browser.open(name, {}, demo.url)))
  const [first, second] = tabs
  if (first === undefined || second === undefined) return []
  await facts.holds('in a third demo two pages write one text together, with the words of both', async () => {
    await Promise.all([ready(first), ready(second)])
    await write(first, 'Hello from A. ')
    await reads(second, 'Hello from A. ')
    await write(second, 'Hello from B. ')
    await reads(first, 'Hello from A. Hello from B. ')
    const chat = await first.page.getByTestId('message-row').count()
    expectThat(chat === 0, { expected: 'none of it among the messages', seen: `${chat} messages` })
    return `“${await textOf(first)}”`
  })
  await facts.holds('axe finds nothing to object to in the two new parts of that page, light and dark', async () => {
    const light = await violationsOf(first.page, 'light')
    return `${light} + ${await violationsOf(first.page, 'dark')} rules kept`
  })
  await eventually(async () => ((await youngest(first)) >= settledMs ? true : undefined), {
    expected: 'the connections of page A to have lasted',
    seen: () => seenBy(first)
  })
  for (const kind of breaks) {
    await facts.holds(`${titles[kind]} by its button in page A: the band is back`, () => breaksAndHeals(first, kind))
  }
  await facts.holds('page A threw the liar out, and dials it no more', async () => {
    const { greylistedPeers, connections } = await first.snapshot()
    expectThat(greylistedPeers.length > 0 && connections.every(({ peerId }) => !greylistedPeers.includes(peerId)), {
      expected: 'the liar on the greylist, and not connected',
      seen: { greylistedPeers, connections: await seenBy(first) }
    })
    return undefined
  })
  await facts.holds('the two pages still write one text', async () => {
    await write(first, 'Still here.')
    await reads(second, 'Hello from A. Hello from B. Still here.')
    await write(second, ' So am I.')
    await reads(first, 'Hello from A. Hello from B. Still here. So am I.')
    return undefined
  })
  return tabs
}

async function ready(tab: DemoTab): Promise<void> {
  await tab.started()
  await eventually(async () => ((await tab.page.getByTestId('shared-text').isEnabled()) ? true : undefined), {
    expected: `${tab.name} to have its text`
  })
}

/** At the end of what is there. */
async function write({ page }: DemoTab, text: string): Promise<void> {
  const field = page.getByTestId('shared-text')
  await field.focus()
  await field.evaluate((element) => {
    if (element instanceof HTMLTextAreaElement) element.setSelectionRange(element.value.length, element.value.length)
  })
  await page.keyboard.insertText(text)
}

function textOf({ page }: DemoTab): Promise<string> {
  return page.getByTestId('shared-text').inputValue()
}

async function reads(tab: DemoTab, text: string): Promise<void> {
  await eventually(async () => ((await textOf(tab)) === text ? true : undefined), {
    expected: `${tab.name} to show “${text}”`,
    seen: () => textOf(tab)
  })
}

/** The age of its youngest connection, ms; −∞ while it has too few. */
async function youngest(tab: DemoTab): Promise<number> {
  const { connections, active, bounds } = await tab.snapshot()
  if (active < bounds.minTarget) return Number.NEGATIVE_INFINITY
  return Date.now() - Math.max(...connections.map(({ establishedAt }) => establishedAt))
}

interface Measured {
  /** Wall clock, ms. */
  readonly startedAt: number
  readonly tookMs: number
  readonly outcome: string
}

async function breaksAndHeals(tab: DemoTab, kind: BreakKind): Promise<string> {
  const row = tab.page.locator(`[data-testid="break-row"][data-break="${kind}"]`)
  await row.locator('[data-action="break"]').click()
  const cell = row.getByTestId('break-pool')
  const tookMs = Number(
    await eventually(async () => (await cell.getAttribute('data-ms')) ?? undefined, {
      expected: 'the stopwatch to stop',
      seen: async () => ({ row: await row.innerText(), ...((await seenBy(tab)) as object) })
    })
  )
  const startedAt = Date.parse((await row.getAttribute('data-started-at')) ?? '')
  const outcome = (await row.locator('.stopwatch').first().getAttribute('data-outcome')) ?? ''
  const { active, bounds } = await tab.snapshot()
  expectThat(active >= bounds.minTarget, { expected: `${bounds.minTarget} connections at least`, seen: await seenBy(tab) })
  const logged = await agrees(tab, kind, { startedAt, tookMs, outcome })
  const plain = (await row.locator('.stopwatch').nth(1).innerText()).replaceAll('\n', ' ')
  return `${seconds(tookMs)} s, ${outcome}; by the event log ${seconds(logged)} s; beside it: ${plain}`
}

/** From the line that says what was broken to the line that ends it, ms, in the page's own list of all events. */
async function agrees(tab: DemoTab, kind: BreakKind, { startedAt, tookMs, outcome }: Measured): Promise<number> {
  const all = tab.page.locator('[data-action="all-events"]')
  if ((await all.getAttribute('aria-pressed')) !== 'true') await all.click()
  // It was out of its band and came back; or it threw the liar out; or nothing had to happen.
  const names = outcome === 'back' ? ['band-reached', 'connection-opened'] : ['connection-closed', 'connection-lost', 'break']
  const ms = await eventually(
    async () => {
      const times = await tab.page.getByTestId('event-row').evaluateAll((rows) =>
        rows.map((line) => ({
          name: line.getAttribute('data-event') ?? '',
          at: Date.parse(line.querySelector('time')?.getAttribute('datetime') ?? '')
        }))
      )
      const broken = times.find(({ name }) => name === 'break')?.at
      if (broken === undefined || Math.abs(broken - startedAt) > agreeMs) return undefined
      // Nothing in the log ends these: the page thawed, or what was killed is back and need not be connected at once.
      if (outcome === 'held' && (kind === 'freeze' || kind === 'relay' || kind === 'half')) return tookMs
      const end = times.find(({ name, at }) => names.includes(name) && Math.abs(at - broken - tookMs) <= agreeMs)
      return end === undefined ? undefined : end.at - broken
    },
    {
      withinMs: 2_000,
      expected: `the event log to say the same as the stopwatch, ${seconds(tookMs)} s (${outcome}), within ${agreeMs} ms`,
      seen: () => tab.page.getByTestId('event-log').innerText()
    }
  )
  await all.click()
  return ms
}

function portOf(address: string): number {
  return Number(/\/tcp\/(\d+)/.exec(address)?.[1])
}
