/** The facts about accessibility: axe, over each state that people see, light and dark. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import type { CheckContext } from './demo-check-context.ts'
import { eventually, expectThat } from './demo-facts.ts'

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
/** Not as a script element: the policy of the page refuses what its server does not serve. */
const axeText = readFileSync(axePath, 'utf8')

export async function checkAccess({ facts, first, second, failing }: CheckContext & { failing(): Promise<Page> }): Promise<void> {
  await facts.holds('axe finds nothing to object to: page 1 while it runs, light and dark', async () => {
    const { page } = first
    return sum(await violationsOf(page, 'light'), await violationsOf(page, 'dark'))
  })
  await facts.holds('nor to the sheet of one peer, the bans, opened details and what colours mean', async () => {
    const { page } = second
    await page.locator('#tab-bans').click()
    for (const legend of await page.locator('details.legend summary').all()) if (await legend.isVisible()) await legend.click()
    const bans = await violationsOf(page, 'light')
    await page.locator('#tab-points').click()
    await page.locator('[data-testid="point-row"] [data-action="details"]').first().click()
    const details = await violationsOf(page, 'dark')
    await page.locator('[data-testid="connection-row"] [data-action="open-peer"]').first().click()
    const sheet = await violationsOf(page, 'light')
    await page.keyboard.press('Escape')
    return sum(bans, details, sheet)
  })
  await facts.holds('nor to a page that could not start, which says why', async () => {
    const page = await failing()
    const words = page.getByTestId('start-failure')
    const text = await eventually(async () => (await words.innerText()) || undefined, { expected: 'the page to say why' })
    const rules = await violationsOf(page, 'light')
    await page.close()
    return `${rules} rules; it says “${text}”`
  })
}

/** How many rules were looked at; throws `NotSeen` for those that were broken. Motion is off, since a colour on its way is none of the page's. */
export async function violationsOf(page: Page, colorScheme: 'light' | 'dark'): Promise<number> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
  await page.evaluate(axeText)
  const { passes, violations } = await page.evaluate(async () => {
    // The scheme has changed; what is drawn in it is the frame after the next one.
    for (let frames = 0; frames < 3; frames += 1) await new Promise((resolve) => requestAnimationFrame(resolve))
    const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } }
    const results = await axe.run()
    return {
      passes: results.passes.length,
      violations: results.violations.map(
        ({ id, nodes }) =>
          `${id}: ${nodes
            .map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ''}`)
            .slice(0, 3)
            .join(' | ')}`
      )
    }
  })
  await page.emulateMedia({ colorScheme: null, reducedMotion: null })
  expectThat(violations.length === 0, { expected: `no violation (${colorScheme})`, seen: violations })
  return passes
}

function sum(...rules: readonly number[]): string {
  return `${rules.join(' + ')} rules kept`
}
