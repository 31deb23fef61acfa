/**
 * `npm run demo -- --check`: the demo without a person. Two pages in Chromium, and the facts that must hold, in an order
 * in which later ones build on earlier ones; the facts themselves are in the demo-check files beside this one. Beside them a second
 * demo is watched at rest, and at the end new tabs are opened in demos of their own, in Chromium and in Firefox. Called by demo.ts,
 * which started the first demo and stops everything afterwards.
 */
import process from 'node:process'
import { Chromium } from './chromium-windows.ts'
import { type DemoBrowser, startBrowser } from './demo-browser.ts'
import { checkAccess } from './demo-check-access.ts'
import { checkAway } from './demo-check-away.ts'
import { checkBans } from './demo-check-bans.ts'
import { checkBreaks } from './demo-check-breaks.ts'
import { checkCalm } from './demo-check-calm.ts'
import type { CheckContext, Mailbox } from './demo-check-context.ts'
import { checkFailures } from './demo-check-failures.ts'
import { checkLinks } from './demo-check-links.ts'
import { checkNewTabs } from './demo-check-new-tab.ts'
import { checkPage } from './demo-check-page.ts'
import { checkRecording } from './demo-check-recording.ts'
import { checkRefusals } from './demo-check-refusals.ts'
import { checkReturns } from './demo-check-returns.ts'
import { checkServers } from './demo-check-servers.ts'
import { checkTabs } from './demo-check-tabs.ts'
import { checkViews } from './demo-check-views.ts'
import type { DemoBrowserName } from './demo-command.ts'
import { expectThat, type Facts } from './demo-facts.ts'
import type { Shutdown } from './demo-shutdown.ts'
import { type Demo, startDemo } from './demo-start.ts'
import type { DemoTab } from './demo-tab.ts'
import { findOrInstallFirefox } from './firefox.ts'
import { Firefox } from './firefox-windows.ts'
import type { HidingBrowser } from './hiding-windows.ts'

const titles: Readonly<Record<DemoBrowserName, string>> = { chromium: 'Chromium', firefox: 'Firefox' }

export interface CheckOptions {
  readonly demo: Demo
  readonly browser: DemoBrowserName
  readonly mailbox: Mailbox
  readonly facts: Facts
  readonly shutdown: Shutdown
  log(line: string): void
}

/** Resolves when all facts were looked at; how many hold is in `facts`. Rejects if there is no Chromium. */
export async function runCheck({ demo, browser: name, mailbox, facts, shutdown, log }: CheckOptions): Promise<void> {
  const processProblems: string[] = []
  process.on('warning', (warning) => processProblems.push(`${warning.name}: ${warning.message}`))
  const browser = await startBrowser({ demo, name, shutdown, log })
  const own = (): Promise<Demo> => startDemo({ port: 0, shutdown, files: demo.files })
  const hiding = await startHiding(name, { shutdown, log })
  await Promise.all([
    checkPages({ demo, mailbox, facts, shutdown, browser }),
    own().then((resting) => checkCalm({ facts, demo: resting, seen: browser, hiding }))
  ])
  const closedPorts = new Set<number>()
  for (const check of [checkBreaks, checkServers]) {
    for (const tab of await check({ facts, demo: await own(), browser, closedPorts })) {
      await checkClean(facts, tab, closedPorts)
      await tab.page.context().close()
    }
  }
  // One after the other: a browser that has no processor is late.
  await checkNewTabs({ facts, name: titles[name], browser: hiding, demo: await own() })
  // The whole check runs in Firefox on request; this much is looked at there each time.
  if (name !== 'firefox') {
    let firefox: HidingBrowser | undefined
    await facts.holds('Firefox starts', async () => {
      firefox = await startHiding('firefox', { shutdown, log })
      return undefined
    })
    if (firefox !== undefined) await checkNewTabs({ facts, name: titles.firefox, browser: firefox, demo: await own() })
  }
  await facts.holds('this process: no unhandled rejection, no warning', async () => {
    expectThat(processProblems.length === 0, { expected: 'none', seen: processProblems })
    return undefined
  })
}

/** Real tabs that hide each other. */
async function startHiding(name: DemoBrowserName, { shutdown, log }: Pick<CheckOptions, 'shutdown' | 'log'>): Promise<HidingBrowser> {
  const launch = async (): Promise<HidingBrowser> =>
    name === 'firefox' ? Firefox.launch(await findOrInstallFirefox({ log })) : Chromium.launch()
  return shutdown.own(`The ${titles[name]} of hidden tabs`, { start: launch, stop: (started) => started.close() })
}

interface Pages extends Omit<CheckOptions, 'log' | 'browser'> {
  readonly browser: DemoBrowser
}

/** The facts of the first demo, where the two pages are. */
async function checkPages({ demo, mailbox, facts, shutdown, browser }: Pages): Promise<void> {
  const closedPorts = new Set<number>()
  const linked = await checkLinks({ demo, facts, mailbox, open: (name) => browser.open(name) })
  if (linked !== undefined) {
    const context: CheckContext = { demo, facts, shutdown, mailbox, closedPorts, ...linked }
    await checkPage(context)
    await checkViews({ ...context, openAt: (name, url, before) => browser.open(name, { before }, url) })
    await checkRecording(context)
    await checkAway(context)
    await checkAccess({ ...context, failing: () => browser.openFailing() })
    await checkFailures({ ...context, browser })
    await checkRefusals(context)
    await checkBans(context)
    await checkReturns(context)
    const others = await checkTabs({ ...context, openBeside: (tab, name, query) => browser.openBeside(tab, name, query) })
    for (const tab of [linked.first, linked.second, ...others]) await checkClean(facts, tab, closedPorts)
    // They would be met by nobody any more, and take their share of the machine.
    for (const tab of [linked.second, ...others]) await tab.page.context().close()
  }
}

async function checkClean(facts: Facts, tab: DemoTab, closedPorts: ReadonlySet<number>): Promise<void> {
  await facts.holds(`${tab.name}: no uncaught error, no unhandled rejection, no error on the console`, async () => {
    const { failedWebSockets } = tab
    const troubles = tab.troubles(closedPorts)
    expectThat(troubles.length === 0, { expected: 'none', seen: troubles })
    return failedWebSockets.length === 0 ? undefined : `but for ${failedWebSockets.length} WebSockets to ports that the check had closed`
  })
}
