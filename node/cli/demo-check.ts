/**
 * `npm run demo -- --check`: the demo without a person. Two pages in Chromium, and the facts that must hold, in an order
 * in which later ones build on earlier ones; the facts themselves are in the demo-check files beside this one. Called by
 * demo.ts, which started the demo and stops everything afterwards.
 */
import process from 'node:process'
import { startBrowser } from './demo-browser.ts'
import { checkAccess } from './demo-check-access.ts'
import { checkBans } from './demo-check-bans.ts'
import type { CheckContext, Mailbox } from './demo-check-context.ts'
import { checkLinks } from './demo-check-links.ts'
import { checkPage } from './demo-check-page.ts'
import { checkRefusals } from './demo-check-refusals.ts'
import { checkReturns } from './demo-check-returns.ts'
import { checkTabs } from './demo-check-tabs.ts'
import { expectThat, type Facts } from './demo-facts.ts'
import type { Shutdown } from './demo-shutdown.ts'
import type { Demo } from './demo-start.ts'
import type { DemoTab } from './demo-tab.ts'

export interface CheckOptions {
  readonly demo: Demo
  readonly mailbox: Mailbox
  readonly facts: Facts
  readonly shutdown: Shutdown
  log(line: string): void
}

/** Resolves when all facts were looked at; how many hold is in `facts`. Rejects if there is no Chromium. */
export async function runCheck({ demo, mailbox, facts, shutdown, log }: CheckOptions): Promise<void> {
  const processProblems: string[] = []
  process.on('warning', (warning) => processProblems.push(`${warning.name}: ${warning.message}`))
  const browser = await startBrowser({ demo, shutdown, log })
  const closedPorts = new Set<number>()
  const linked = await checkLinks({ demo, facts, mailbox, open: (name) => browser.open(name) })
  if (linked !== undefined) {
    const context: CheckContext = { demo, facts, shutdown, mailbox, closedPorts, ...linked }
    await checkPage(context)
    await checkAccess({ ...context, failing: () => browser.openFailing() })
    await checkRefusals(context)
    await checkBans(context)
    await checkReturns(context)
    const others = await checkTabs({ ...context, openBeside: (tab, name, query) => browser.openBeside(tab, name, query) })
    for (const tab of [linked.first, linked.second, ...others]) await checkClean(facts, tab, closedPorts)
  }
  await facts.holds('this process: no unhandled rejection, no warning', async () => {
    expectThat(processProblems.length === 0, { expected: 'none', seen: processProblems })
    return undefined
  })
}

async function checkClean(facts: Facts, tab: DemoTab, closedPorts: ReadonlySet<number>): Promise<void> {
  await facts.holds(`${tab.name}: no uncaught error, no unhandled rejection, no error on the console`, async () => {
    const { problems, failedWebSockets } = tab
    const unexplained = failedWebSockets.filter((address) => !closedPorts.has(Number(new URL(address).port)))
    expectThat(problems.length + unexplained.length === 0, {
      expected: 'none',
      seen: [...problems, ...unexplained.map((address) => `no WebSocket to ${address}`)]
    })
    return failedWebSockets.length === 0 ? undefined : `but for ${failedWebSockets.length} WebSockets to ports that the check had closed`
  })
}
