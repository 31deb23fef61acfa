/** 600 WebRTC connections one after the other between two pages, at the rate that their budget allows, and the memory they leave behind. */
import { createNodePeer } from '../../node/index.ts'
import { LongBrowser } from './browser.ts'
import { type Finding, type LongRun, pause } from './finding.ts'
import type { LongPage } from './long-page.ts'

declare const long: LongPage

const network = 'long-run'
const total = 600
/** What the first connections load stays loaded. */
const firstLook = 50
const maxGrowthBytes = 3_000_000
/** Before each look: a connection says a little after its end that it can be collected. */
const settleMs = 5_000
/** RTCPeerConnections that were closed just now may not be collected yet. */
const maxLeft = 20
const pageBand = { minConnections: 1, expectedConnections: 1, maxConnections: 4, minByKind: null }

interface Look {
  readonly bytes: number
  readonly peerConnections: number
}

export const webRtc: LongRun = {
  name: 'webrtc',
  about: '600 WebRTC connections one after the other in one page; the heap is flat. 30 minutes',
  async run({ scale, say }) {
    const browser = await LongBrowser.launch()
    const relay = await createNodePeer({
      network,
      listen: ['/ip4/127.0.0.1/tcp/0/ws'],
      minConnections: 0,
      expectedConnections: 10,
      relay: true
    })
    try {
      const init = { network, trustedPoints: [`${relay.pool.network.ownPoints()[0]}/p2p/${relay.pool.peerId}`], ...pageBand }
      const [dialer, listener] = await Promise.all([browser.open(), browser.open()])
      await Promise.all([dialer, listener].map((tab) => tab.page.evaluate((options) => long.start(options), init)))
      const point = await listener.page.evaluate(() => long.ownPoint())
      const count = Math.max(2 * firstLook, Math.round(total * scale))
      const looks: Look[][] = []
      let failed = 0
      for (let done = 0; done < count; ) {
        const times = Math.min(firstLook, count - done)
        failed += await dialer.page.evaluate((options) => long.comeAndGo(...options), [point, times] as const)
        done += times
        await pause(settleMs)
        const look = await Promise.all([dialer, listener].map((tab) => tab.heap()))
        looks.push(look)
        say(`${done} connections, ${failed} dials failed; dialer ${words(look[0])}, listener ${words(look[1])}`)
      }
      return (['dialer', 'listener'] as const).map((side, i) => finding(side, count, [looks[0]?.[i], looks.at(-1)?.[i]]))
    } finally {
      await browser.close()
      await relay.stop()
    }
  }
}

function words(look: Look | undefined): string {
  return `${((look?.bytes ?? 0) / 1e6).toFixed(2)} MB with ${look?.peerConnections} RTCPeerConnections`
}

function finding(side: string, count: number, [first, last]: (Look | undefined)[]): Finding {
  const growth = (last?.bytes ?? Number.NaN) - (first?.bytes ?? Number.NaN)
  return {
    what: `heap of the ${side} between WebRTC connection ${firstLook} and ${count}`,
    measured: `${words(first)}, then ${words(last)}: ${(growth / 1e6).toFixed(2)} MB more`,
    target: `at most ${maxGrowthBytes / 1e6} MB more, at most ${maxLeft} RTCPeerConnections left`,
    holds: growth <= maxGrowthBytes && (last?.peerConnections ?? total) <= maxLeft
  }
}
