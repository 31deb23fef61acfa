/**
 * How long it takes to reach a page through another page, against the way over a relay, and what it costs the page in the middle. One page is
 * dialed 50 times each way, in turn, by another one; ten pages introduce them, since each introduces a peer a few times only.
 */
import { createNodePeer } from '../../node/index.ts'
import { LongBrowser } from './browser.ts'
import { type Finding, type LongRun, median } from './finding.ts'
import { introducerLimits, maxTurnMs, percentile } from './introducer-limits.ts'
import type { LongPage } from './long-page.ts'

declare const long: LongPage

const network = 'long-run'
const introducers = 10
/** Through each introducer. */
const rounds = 5
const maxRatio = 2
const pageBand = { minConnections: 0, expectedConnections: 0, maxConnections: 40, minByKind: null }

export const introductions: LongRun = {
  name: 'introductions',
  about: '50 dials of a page through other pages, and 50 over a relay; what a page lets through. 4 minutes',
  async run({ scale, say }) {
    const browser = await LongBrowser.launch()
    const relay = await createNodePeer({
      network,
      listen: ['/ip4/127.0.0.1/tcp/0/ws'],
      inboundConnectionThreshold: 1_000,
      minConnections: 0,
      expectedConnections: 20,
      relay: true
    })
    try {
      const trustedPoints = [`${relay.pool.network.ownPoints()[0]}/p2p/${relay.pool.peerId}`]
      const init = { network, trustedPoints, introductions: true, ...pageBand }
      const tabs = await Promise.all(Array.from({ length: introducers + 2 }, () => browser.open()))
      const ids = await Promise.all(tabs.map(({ page }) => page.evaluate((options) => long.start(options), init)))
      const [dialer, guest, ...middle] = tabs
      const [dialerId, guestId, ...middleIds] = ids
      if (dialer === undefined || guest === undefined || dialerId === undefined) throw new Error('no pages')
      await guest.page.evaluate((peerId) => long.trust(peerId), dialerId)
      for (const { page } of middle) {
        const point = await page.evaluate(() => long.ownPoint())
        for (const tab of [dialer, guest]) await tab.page.evaluate((to) => long.connect(to), point)
      }
      const relayed = await guest.page.evaluate(() => long.ownPoint())
      const ways = middleIds.map((id) => `/p2p/${id}/p2p-circuit/webrtc/p2p/${guestId}`)
      const times = { introduced: [] as (number | undefined)[], relayed: [] as (number | undefined)[] }
      const turns: number[] = []
      for (let round = 0; round < Math.max(1, Math.round(rounds * scale)); round++) {
        for (const [i, way] of ways.entries()) {
          const watched = middle[i]?.page.evaluate(() => long.turns(1_000))
          times.introduced.push(...(await dialer.page.evaluate((points) => long.timesOf(points), [way])))
          times.relayed.push(...(await dialer.page.evaluate((points) => long.timesOf(points), [relayed])))
          turns.push(...((await watched) ?? []))
        }
        say(`round ${round + 1}: medians ${words(times.introduced)} through pages, ${words(times.relayed)} over the relay`)
      }
      await Promise.all(tabs.map((tab) => tab.end('closed')))
      return [...findings(times, turns), ...(await introducerLimits(browser, init, say))]
    } finally {
      await browser.close()
      await relay.stop()
    }
  }
}

const done = (times: readonly (number | undefined)[]): number[] => times.filter((ms) => ms !== undefined)
const words = (times: readonly (number | undefined)[]): string =>
  `${median(done(times)).toFixed(0)} ms (${times.length - done(times).length} of ${times.length} failed)`

function findings(
  { introduced, relayed }: { introduced: readonly (number | undefined)[]; relayed: readonly (number | undefined)[] },
  turns: readonly number[]
): Finding[] {
  const ratio = median(done(introduced)) / median(done(relayed))
  return [
    {
      what: 'a dial through a page against one over a relay, medians',
      measured: `${words(introduced)} against ${words(relayed)}: ${ratio.toFixed(2)} times`,
      target: `${maxRatio} times, none failed`,
      holds: ratio <= maxRatio && done(introduced).length === introduced.length
    },
    {
      what: 'turns of the page in the middle, 99th percentile',
      measured: `${percentile(turns).toFixed(1)} ms, ${Math.max(...turns).toFixed(0)} ms at worst, of ${turns.length}`,
      target: `${maxTurnMs} ms`,
      holds: percentile(turns) < maxTurnMs
    }
  ]
}
