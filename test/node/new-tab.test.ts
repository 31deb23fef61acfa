/**
 * What the README asks a visitor to do: open the page, then another one in a new tab, which hides the first. Real tabs of one
 * window, hidden as the browser does it.
 */
import type { Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HidingBrowser, HidingTab as Tab } from '../../node/cli/hiding-windows.ts'
import { createNodePeer, type NodePeer, type PeerId } from '../../node/index.ts'
import { launchWindows } from '../support/browsers.ts'
import type { LifePage } from './page-life-page.ts'
import { addressOf, bundlePage, eventually, servePage } from './pages.ts'

declare const life: LifePage

const rounds = 5
const metWithinMs = 10_000
const network = 'new-tab-test'

describe('a page among three Node peers, one of them a relay', () => {
  let nodes: NodePeer[] = []
  let server: Server
  let browser: HidingBrowser

  beforeAll(async () => {
    const start = (trustedPoints: readonly string[], relay = false): Promise<NodePeer> =>
      createNodePeer({
        ...{ network, relay, trustedPoints, listen: ['/ip4/127.0.0.1/tcp/0/ws'], minConnections: 2, expectedConnections: 4 },
        inboundConnectionThreshold: 1_000
      })
    const relay = await start([], true)
    nodes = [relay, ...(await Promise.all([1, 2].map(() => start(relayPoints(relay)))))]
    ;[server, browser] = await Promise.all([servePage(await bundlePage('page-life-page.ts')), launchWindows()])
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
    await Promise.all(nodes.map((node) => node.stop()))
    expect(browser?.complaints).toEqual([])
  })

  const start = async (tab: Tab, name: string): Promise<PeerId> => {
    await eventually(async () => expect(await tab.evaluate(() => 'life' in globalThis)).toBe(true))
    return tab.evaluate((init) => life.start(init, []), { network, name, trustedPoints: relayPoints(nodes[0]) })
  }

  test(
    `meets a page in a new tab, which hides it, in 10 s, ${rounds} times`,
    async () => {
      const took: number[] = []
      for (let round = 1; round <= rounds; round++) {
        const first = await browser.open(addressOf(server))
        const peerId = await start(first, 'first')
        await eventually(async () => {
          const { peers, ownPoints } = await first.evaluate(() => life.view())
          expect([peers.length, ownPoints.length > 0], `round ${round}`).toEqual([nodes.length, true])
        })
        const second = await first.openBeside(addressOf(server))
        await start(second, 'second')
        const ms = await second.evaluate((id, within) => life.metAgain(id, within), peerId, metWithinMs)
        expect(ms, `round ${round}`).toBeTypeOf('number')
        took.push(Math.round(Number(ms)))
        const { visibility, pool, peers } = await first.evaluate(() => life.view())
        expect([visibility, pool]).toEqual(['hidden', 'suspended'])
        expect(peers.map(({ transport }) => transport)).toEqual(expect.arrayContaining(['ws', 'webrtc']))
        for (const tab of [second, first]) await tab.leaveFor('about:blank')
        // Nobody is told of a page that has gone.
        await eventually(async () =>
          expect(nodes.flatMap(({ pool }) => [...pool.points.known()]).map(([point]) => point)).not.toContainEqual(
            expect.stringContaining('/webrtc/')
          )
        )
      }
      console.info(`a page in a new tab: met after ${took.join(', ')} ms`)
    },
    30_000 + rounds * 25_000
  )
})

function relayPoints(relay: NodePeer | undefined): string[] {
  return (relay?.pool.network.ownPoints() ?? []).map((point) => `${point}/p2p/${relay?.pool.peerId}`)
}
