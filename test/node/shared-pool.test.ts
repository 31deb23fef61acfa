/**
 * A pool shared by tabs, in a real Chromium: tabs of one profile, whose owner is closed, crashes, is frozen, leaves. A Node
 * peer sees what the network sees. Driven from Node, since a page cannot kill itself and tell.
 */
import type { Server } from 'node:http'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { chromiumFlags, findChromium } from '../../node/cli/chromium.ts'
import { createNodePeer, type NodePeer, type PeerId } from '../../node/index.ts'
import { addressOf, bundlePage, eventually, servePage } from './pages.ts'
import type { SharedTab } from './shared-pool-page.ts'

declare const tab: SharedTab

const takeOverMs = 5_000
const stranger = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId

describe('a pool shared by tabs', () => {
  let node: NodePeer
  let server: Server
  let browser: Awaited<ReturnType<typeof chromium.launch>>
  let context: BrowserContext
  const complaints: string[] = []

  beforeAll(async () => {
    const { path } = await findChromium()
    ;[node, server, browser] = await Promise.all([
      createNodePeer({
        network: 'tabs-test',
        listen: ['/ip4/127.0.0.1/tcp/0/ws'],
        inboundConnectionThreshold: 1_000,
        minConnections: 0,
        expectedConnections: 0
      }),
      servePage(await bundlePage('shared-pool-page.ts')),
      chromium.launch({ ...(path === undefined ? {} : { executablePath: path }), args: [...chromiumFlags] })
    ])
  }, 60_000)

  beforeEach(async () => {
    context = await browser.newContext()
  })

  afterEach(async () => {
    await context.close()
    expect(complaints.splice(0)).toEqual([])
  })

  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
    await node?.stop()
  })

  const openTab = async (): Promise<Page> => {
    const page = await context.newPage()
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.goto(addressOf(server))
    const [point] = node.pool.network.ownPoints()
    await page.evaluate((init) => tab.open(init), {
      network: 'tabs-test',
      trustedPoints: [`${point}/p2p/${node.pool.peerId}`],
      minConnections: 1,
      expectedConnections: 1
    })
    return page
  }
  const viewOf = (page: Page): Promise<ReturnType<SharedTab['view']>> => page.evaluate(() => tab.view())

  test('two tabs are one peer, and the second goes on when the first is closed', async () => {
    const [first, second] = [await openTab(), await openTab()]
    const before = await viewOf(first)
    expect(before).toMatchObject({ role: 'owner', hasOwner: true })
    expect(await viewOf(second)).toMatchObject({ role: 'follower', hasOwner: true, peerId: before.peerId })

    await second.evaluate((peerId) => tab.shared.peers.ban(peerId), stranger)
    expect((await viewOf(first)).bannedPeers).toEqual([stranger])
    await eventually(async () => expect((await viewOf(second)).bannedPeers).toEqual([stranger]))

    await first.close()
    await eventually(async () => {
      expect(await viewOf(second)).toMatchObject({ role: 'owner', peerId: before.peerId, bannedPeers: [stranger], active: 1 })
    }, takeOverMs)
    expect(node.pool.connections.list().map(({ peerId }) => peerId)).toEqual([before.peerId])
  }, 60_000)
})
