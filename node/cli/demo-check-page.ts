/** The facts about the page as something to use: settings that take effect, a peer that comes and goes, the picture, the saved state. */
import { readFile } from 'node:fs/promises'
import type { PoolSnapshot } from '../index.ts'
import { type CheckContext, seenBy } from './demo-check-context.ts'
import { eventually, expectThat, seconds } from './demo-facts.ts'
import type { DemoNodePeer } from './demo-node-peer.ts'
import type { DemoTab } from './demo-tab.ts'

/** The page's own band is content with the Node peers that always run; this one wants the guest too. */
const widerBand = { min: 7, expected: 12, max: 16 }
const comesDeadlineMs = 45_000
const goesDeadlineMs = 20_000
/** A connection that the other side ended sooner counts as a failure, and the peer is left alone for long. */
const lastingMs = 10_500

export async function checkPage(context: CheckContext): Promise<void> {
  const { facts, first, demo } = context
  const { guest, pageSettings } = demo.network
  await facts.holds('page 1 has filled its band by itself and says so', () => isContent(first))
  await facts.holds('its picture shows everybody who is connected', () => picturesAll(first))
  await facts.holds('a wider band, set in the page, takes effect at once; a Node peer that comes is found and held', async () => {
    await first.setBand(widerBand)
    await guest.start()
    return holds(first, guest)
  })
  await facts.holds('a peer of the picture opens by keyboard and shows its history', () => opensByKeyboard(first))
  await facts.holds('the state is saved as JSON that says what the page shows', () => savesState(first))
  await facts.holds('when that Node peer goes, page 1 says why it is not connected and when it is tried next', () =>
    explainsAbsence(context, guest)
  )
  await facts.holds('when it comes back, page 1 holds it again, by itself', async () => {
    await guest.start()
    return holds(first, guest)
  })
  // As it was for the facts that follow; the guest stays, so that nobody spends them on looking for it.
  await first.setBand(pageSettings.band)
}

async function isContent(tab: DemoTab): Promise<string> {
  const state = tab.page.getByTestId('band-state')
  await eventually(async () => (await state.getAttribute('data-tone')) === 'good' || undefined, {
    expected: 'to be inside its band',
    seen: async () => ({ words: await state.innerText(), ...((await seenBy(tab)) as object) })
  })
  const { active, bounds } = await tab.snapshot()
  return `${active} connections, wanted ${bounds.minTarget} to ${bounds.maxTarget}`
}

async function picturesAll(tab: DemoTab): Promise<string> {
  const drawn = () =>
    tab.page.locator('[data-testid="graph"] .ring-1').evaluateAll((nodes) => nodes.map((one) => one.getAttribute('data-node')))
  const { connections } = await tab.snapshot()
  await eventually(
    async () =>
      sameSet(
        await drawn(),
        connections.map(({ peerId }) => peerId)
      ) || undefined,
    {
      expected: `the ${connections.length} peers that are connected`,
      seen: drawn
    }
  )
  return `${connections.length} peers`
}

function sameSet(a: readonly (string | null)[], b: readonly string[]): boolean {
  return a.length === b.length && b.every((one) => a.includes(one))
}

async function holds(tab: DemoTab, guest: DemoNodePeer): Promise<string> {
  const startedAt = performance.now()
  await eventually(async () => (await tab.connectionRow(guest.peerId).count()) === 1 || undefined, {
    withinMs: comesDeadlineMs,
    expected: `${guest.name} among the connected peers`,
    seen: () => seenBy(tab)
  })
  return `${seconds(performance.now() - startedAt)} s after its start`
}

async function explainsAbsence({ first, closedPorts }: CheckContext, guest: DemoNodePeer): Promise<string> {
  const address = guest.multiaddr('ws')
  closedPorts.add(Number(/\/tcp\/(\d+)\//.exec(address)?.[1]))
  const { point } = guest.pool.parsePoint(address)
  const lasts = async () => Date.now() - ((await first.connectionTo(guest.peerId))?.establishedAt ?? Date.now()) > lastingMs
  await eventually(async () => (await lasts()) || undefined, { expected: 'the connection to have lasted', seen: () => seenBy(first) })
  await guest.stop()
  await eventually(async () => (await first.connectionRow(guest.peerId).count()) === 0 || undefined, {
    withinMs: goesDeadlineMs,
    expected: 'its row to go'
  })
  await first.page.locator('#tab-points').click()
  await first.page.locator('#filter-points').fill(point)
  const row = first.page.locator(`[data-testid="point-row"][data-point="${point}"]`)
  await row.locator('[data-action="details"]').click()
  const why = row.getByTestId('why')
  const words = await eventually(
    async () => {
      const text = await why.innerText()
      return /tried again in|will be dialed|is being made/.test(text) ? text : undefined
    },
    { expected: 'why, and when', seen: () => row.innerText() }
  )
  await row.locator('[data-action="details"]').click()
  await first.page.locator('#filter-points').fill('')
  return `“${words}”`
}

async function opensByKeyboard({ page }: DemoTab): Promise<string> {
  await page.locator('[data-testid="graph"] [tabindex="0"]').focus()
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowRight')
  const name = await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? 'nothing')
  await page.keyboard.press('Enter')
  const lines = page.getByTestId('peer-history').locator('li')
  await eventually(async () => (await lines.count()) > 0 || undefined, {
    expected: 'a line of its history',
    seen: () => page.getByTestId('peer-sheet').innerText()
  })
  const count = await lines.count()
  await page.keyboard.press('Escape')
  await eventually(async () => (await page.getByTestId('peer-sheet').isHidden()) || undefined, { expected: 'Escape to close it' })
  return `${name}: ${count} events`
}

async function savesState(tab: DemoTab): Promise<string> {
  const saving = tab.page.waitForEvent('download')
  await tab.page.locator('[data-action="export"]').click()
  const download = await saving
  const text = await readFile(await download.path(), 'utf8')
  const { snapshot } = JSON.parse(text) as { snapshot: PoolSnapshot }
  expectThat(snapshot.peerId === tab.peerId && snapshot.connections.length > 0 && snapshot.points.length > 0, {
    expected: `the state of ${tab.peerId}`,
    seen: text.slice(0, 200)
  })
  return `${download.suggestedFilename()}, ${text.length} bytes`
}
