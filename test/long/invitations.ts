/**
 * A network that never has a server: the first page runs alone, four more join it by copied answers, one by the other. Then ten newcomers join
 * in turn, each through one page, and reach their band through the others. The answer is carried at once.
 */
import { LongBrowser, type Tab } from './browser.ts'
import { type Finding, type LongRun, median, pause, seconds } from './finding.ts'
import type { InvitedPage } from './invited-page.ts'

declare const long: InvitedPage

const residents = 5
const newcomers = 10
const withinMs = 15_000
/** A page is not introduced to others by one page again and again: a peer that came so and left counts for half a minute, */
const restMs = 10_000
/** and one that stays makes room for the next after a minute. So the first newcomer comes to a network that is older. */
const settleMs = 65_000
/** No address is waited for: nothing listens but WebRTC. */
const init = {
  network: 'long-run',
  trustedPoints: [],
  introductions: true,
  minConnections: 2,
  expectedConnections: 4,
  maxConnections: 12,
  minByKind: null
}

/** Has a page join through another. How long it took until the newcomer was in its band, ms; nothing: it did not get there. */
async function bring(newcomer: Tab, host: Tab): Promise<number | undefined> {
  const text = await host.page.evaluate(() => long.invite())
  const answer = await newcomer.page.evaluate((invitation) => long.join(invitation), text)
  await host.page.evaluate((given) => long.accept(given), answer)
  return newcomer.page.evaluate((ms) => long.reached(ms), withinMs)
}

async function open(browser: LongBrowser): Promise<Tab> {
  const tab = await browser.open()
  await tab.page.evaluate((options) => long.start(options), init)
  return tab
}

export const invitations: LongRun = {
  name: 'invitations',
  about: 'ten pages join five by copied answers, without any server. 4 minutes',
  async run({ scale, say }) {
    const browser = await LongBrowser.launch('invited-page.ts')
    try {
      const pages = [await open(browser)]
      while (pages.length < residents) {
        const tab = await open(browser)
        await bring(tab, pages.at(-1) as Tab)
        pages.push(tab)
        say(`${pages.length} pages run`)
      }
      await pause(settleMs)
      const times: (number | undefined)[] = []
      for (let i = 0; i < Math.max(1, Math.round(newcomers * scale)); i++) {
        const newcomer = await open(browser)
        const host = pages[i % pages.length] as Tab
        const ms = await bring(newcomer, host).catch((error: unknown) => void say(String(error)))
        times.push(ms)
        const counts = await Promise.all(pages.map(({ page }) => page.evaluate(() => long.connections())))
        say(
          `newcomer ${i + 1}: ${ms === undefined ? 'not in its band' : `in its band after ${seconds(ms)}`}; the pages have ${counts.join(', ')} connections`
        )
        await newcomer.end('closed')
        await pause(restMs)
      }
      return [finding(times)]
    } finally {
      await browser.close()
    }
  }
}

function finding(times: readonly (number | undefined)[]): Finding {
  const done = times.filter((ms) => ms !== undefined)
  return {
    what: 'newcomers in their band within 15 s of join, by a copied answer and without any server',
    measured: `${done.length} of ${times.length}; median ${seconds(median(done))}, at most ${seconds(Math.max(...done))}`,
    target: 'all',
    holds: done.length === times.length && done.every((ms) => ms <= withinMs)
  }
}
