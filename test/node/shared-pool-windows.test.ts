/**
 * A pool shared by tabs of which a person sees one at most: real tabs of one window, hidden, frozen and left as the browser
 * does it. Playwright keeps all pages visible, so that these drive the browser directly.
 */
import type { Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HidingBrowser, HidingTab as Tab } from '../../node/cli/hiding-windows.ts'
import { createNodePeer, type NodePeer, type PeerId, type Point } from '../../node/index.ts'
import { inChromium, launchWindows } from '../support/browsers.ts'
import { addressOf, bundlePage, eventually, servePage } from './pages.ts'
import type { SharedTab } from './shared-pool-page.ts'

declare const tab: SharedTab

const stranger = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId

/** Runs in the page: why it was not kept for the back button, if it was not. */
function whyLoaded(): unknown {
  const [navigation] = performance.getEntriesByType('navigation') as (PerformanceEntry & { notRestoredReasons?: unknown })[]
  return navigation?.notRestoredReasons ?? null
}

describe('tabs of one window', () => {
  let node: NodePeer
  let server: Server
  let browser: HidingBrowser

  beforeAll(async () => {
    ;[node, server, browser] = await Promise.all([
      createNodePeer({ network: 'tabs-test', relay: true, listen: ['/ip4/127.0.0.1/tcp/0/ws'], minConnections: 0, expectedConnections: 0 }),
      servePage(await bundlePage('shared-pool-page.ts')),
      launchWindows()
    ])
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
    await node?.stop()
    expect(browser?.complaints).toEqual([])
  })

  const join = async (page: Tab): Promise<Tab> => {
    await eventually(async () => expect(await page.evaluate(() => 'tab' in globalThis)).toBe(true))
    const [point] = node.pool.network.ownPoints()
    await page.evaluate(
      (init) => {
        Object.assign(globalThis, { roleTold: () => undefined })
        return tab.open(init)
      },
      { network: 'tabs-test', trustedPoints: [`${point}/p2p/${node.pool.peerId}`], minConnections: 1, expectedConnections: 1 }
    )
    return page
  }
  const open = async (): Promise<[Tab, Tab]> => {
    const first = await join(await browser.open(addressOf(server)))
    return [first, await join(await first.openBeside(addressOf(server)))]
  }
  const viewOf = (page: Tab): Promise<ReturnType<SharedTab['view']>> => page.evaluate(() => tab.view())
  const lifeOf = (page: Tab): Promise<string | undefined> => page.evaluate(() => tab.shared.snapshot()?.status)

  test.concurrent('the hidden owner keeps the band of a page that is seen, as long as another tab is', async () => {
    const [owner, follower] = await open()
    expect(await owner.evaluate(() => document.visibilityState)).toBe('hidden')
    await eventually(async () => expect(await lifeOf(owner)).toBe('running'))
    expect(await viewOf(follower)).toMatchObject({ role: 'follower', hasOwner: true })
    await follower.hide()
    await eventually(async () => expect(await lifeOf(owner)).toBe('suspended'))

    // While nobody looks the follower is told nothing; once seen it is up to date at once.
    await owner.evaluate((id) => tab.shared.peers.ban(id), stranger)
    expect((await viewOf(follower)).bannedPeers).toEqual([])
    await follower.show()
    await eventually(async () => {
      expect((await viewOf(follower)).bannedPeers).toEqual([stranger])
      expect(await lifeOf(owner)).toBe('running')
    }, 2_000)
  }, 60_000)

  if (inChromium)
    test.concurrent('an owner that the browser freezes lets another tab go on, though both are hidden, and follows when it thaws', async () => {
      const [owner, follower] = await open()
      const { peerId } = await viewOf(owner)
      await follower.hide()
      await owner.freeze?.()
      await eventually(async () => expect(await viewOf(follower)).toMatchObject({ role: 'owner', peerId }), 5_000)
      await owner.thaw?.()
      await eventually(async () => expect(await viewOf(owner)).toMatchObject({ role: 'follower', hasOwner: true, peerId }))
      expect(node.pool.connections.list().filter((connection) => connection.peerId === peerId).length).toBeLessThanOrEqual(1)
    }, 60_000)

  // Firefox loads such a page anew.
  if (inChromium)
    test.concurrent('an owner that is left, with a WebRTC connection, lets another tab go on; kept for the back button it follows', async () => {
      const [owner, other] = await open()
      await owner.show()
      const friend = await join(await browser.open(addressOf(server)))
      const { peerId } = await viewOf(owner)
      let point: Point | undefined
      await eventually(async () => {
        point = (await friend.evaluate(() => tab.shared.snapshot()?.ownPoints))?.find((own) => own.includes('/webrtc/'))
        expect(point).toBeDefined()
      })
      await owner.evaluate((to) => tab.shared.connect(to), point as Point)
      await owner.leaveFor(`${addressOf(server).replace('localhost', '127.0.0.1')}page.js`)
      await other.show()
      await eventually(async () => expect(await viewOf(other)).toMatchObject({ role: 'owner', peerId }), 5_000)
      await other.evaluate((id) => tab.shared.peers.ban(id), stranger)
      await owner.goBack()
      await owner.show()
      // A page that was loaded anew has no pool yet.
      await eventually(async () => expect(await owner.evaluate(whyLoaded)).toBeNull())
      await eventually(async () =>
        expect(await viewOf(owner)).toMatchObject({ role: 'follower', hasOwner: true, peerId, bannedPeers: [stranger] })
      )
      expect(node.pool.connections.list().filter((connection) => connection.peerId === peerId).length).toBeLessThanOrEqual(1)
    }, 60_000)
})
