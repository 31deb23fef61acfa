/** Tabs of a page whose web server stops: what a tab needs to take over must be there before. In a real browser, with the page in chunks. */
import type { Server } from 'node:http'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNodePeer, type NodePeer } from '../../node/index.ts'
import { launchBrowser } from '../support/browsers.ts'
import { addressOf, bundleChunks, eventually, servePage } from './pages.ts'
import type { SharedTab } from './shared-pool-page.ts'

declare const tab: SharedTab

let node: NodePeer
let server: Server
let browser: Browser

beforeAll(async () => {
  ;[node, server, browser] = await Promise.all([
    createNodePeer({ network: 'gone-test', listen: ['/ip4/127.0.0.1/tcp/0/ws'], minConnections: 0, expectedConnections: 0 }),
    servePage(await bundleChunks('shared-pool-page.ts')),
    launchBrowser()
  ])
}, 60_000)

afterAll(async () => {
  await browser?.close()
  server?.closeAllConnections()
  server?.close()
  await node?.stop()
})

test('a tab that follows takes over and connects after the web server of the page has stopped', async () => {
  const context = await browser.newContext()
  const [point] = node.pool.network.ownPoints()
  const init = {
    ...{ network: 'gone-test', name: 'gone', minConnections: 1, expectedConnections: 1 },
    trustedPoints: [`${point}/p2p/${node.pool.peerId}`]
  }
  const open = async () => {
    const page = await context.newPage()
    const scripts = new Set<string>()
    // Scripts alone: a browser asks for the icon of a site once.
    page.on('requestfinished', (request) => {
      if (request.resourceType() === 'script') scripts.add(request.url())
    })
    await page.exposeFunction('roleTold', () => undefined)
    await page.goto(addressOf(server))
    await page.evaluate((options) => tab.open(options), init)
    return { page, scripts }
  }
  const { page: first, scripts } = await open()
  const ofOwner = [...scripts]
  expect(ofOwner.length).toBeGreaterThan(2)
  const { page: second, scripts: ofFollower } = await open()
  const { peerId } = await first.evaluate(() => tab.view())
  expect(await second.evaluate(() => tab.view())).toMatchObject({ role: 'follower', peerId })
  // The follower has loaded what the owner runs.
  await eventually(async () => expect([...ofFollower]).toEqual(expect.arrayContaining(ofOwner)))

  server.closeAllConnections()
  server.close()
  await first.close()
  await eventually(async () => expect(await second.evaluate(() => tab.view())).toMatchObject({ role: 'owner', peerId, active: 1 }))
  await context.close()
}, 60_000)
