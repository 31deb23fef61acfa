/** Pages in Chromium that go on without any server: pages introduce each other, and so do Node peers that are no relay. */
import type { Server } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNodePeer, type NodePeer, type PeerId, type Point } from '../../node/index.ts'
import { launchBrowser } from '../support/browsers.ts'
import { addressOf, bundlePage, eventually, servePage } from './pages.ts'
import type { TestPage } from './web-peer-page.ts'

declare const page: TestPage

let relay: NodePeer
let server: Server
let browser: Browser

beforeAll(async () => {
  ;[relay, server, browser] = await Promise.all([
    createNodePeer({
      network: 'web-test',
      listen: ['/ip4/127.0.0.1/tcp/0/ws'],
      inboundConnectionThreshold: 1_000,
      minConnections: 0,
      expectedConnections: 0,
      relay: true
    }),
    servePage(await bundlePage('web-peer-page.ts')),
    launchBrowser()
  ])
}, 60_000)

afterAll(async () => {
  await browser?.close()
  server?.closeAllConnections()
  server?.close()
  await relay?.stop()
})

async function openPage(): Promise<Page> {
  const context = await browser.newContext()
  const opened = await context.newPage()
  opened.setDefaultTimeout(20_000)
  await opened.goto(addressOf(server))
  return opened
}

const way = (by: PeerId | undefined, to: PeerId | undefined): Point => `/p2p/${by}/p2p-circuit/webrtc/p2p/${to}` as Point

test('with its last server gone, a page reaches another through a third, and they stay connected without it', async () => {
  const pages = await Promise.all([openPage(), openPage(), openPage()])
  const [a, b, c] = pages
  const trustedPoints = [`${relay.pool.network.ownPoints()[0]}/p2p/${relay.pool.peerId}`]
  const init = { network: 'web-test', trustedPoints, introductions: true, minConnections: 0, expectedConnections: 0, maxConnections: 10 }
  const [alice, bob, carol] = await Promise.all(pages.map((one) => one.evaluate((given) => page.start(given), init)))
  const point = await c.evaluate(() => page.ownPoint())
  await Promise.all([a, b].map((one) => one.evaluate((to) => page.connect(to), point)))
  await relay.stop()
  const peersOf = async (one: Page) =>
    (await one.evaluate(() => page.connections())).map(({ peerId, transport }) => ({ peerId, transport }))
  await eventually(async () => expect(await peersOf(a)).toEqual([{ peerId: carol?.peerId, transport: 'webrtc' }]))
  await eventually(async () => {
    expect(await a.evaluate((to) => page.connect(to), way(carol?.peerId, bob?.peerId))).toMatchObject({
      peerId: bob?.peerId,
      transport: 'webrtc',
      direction: 'outgoing'
    })
  })
  await c.close()
  await eventually(async () => expect(await peersOf(b)).toEqual([{ peerId: alice?.peerId, transport: 'webrtc' }]))
  const [received] = await Promise.all([
    b.evaluate((from) => page.receive(from, 50_000), alice?.peerId ?? bob?.peerId ?? (undefined as never)),
    a.evaluate((to) => page.send(to, 50_000), bob?.peerId ?? (undefined as never))
  ])
  expect(received).toBe(50_000)
}, 60_000)

test('a Node peer that is no relay introduces pages to each other; with WebRTC it dials and is dialed through others as a page is', async () => {
  const common = { network: 'web-test', introductions: true, minConnections: 0, expectedConnections: 0, maxConnections: 10 }
  const startNode = (init: { readonly listen: string[]; readonly webRtc?: boolean }) =>
    createNodePeer({ ...common, inboundConnectionThreshold: 1_000, ...init })
  const [plain, direct] = await Promise.all([startNode({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] }), startNode({ listen: [], webRtc: true })])
  try {
    const [first = '' as Point] = plain.pool.network.ownPoints()
    const join = async () => {
      const opened = await openPage()
      const { peerId } = await opened.evaluate((init) => page.start(init), common)
      await opened.evaluate((to) => page.connect(to), first)
      return { opened, peerId }
    }
    const [a, b] = await Promise.all([join(), join(), direct.pool.connect(first)])
    const dial = async (from: typeof a, to: Point, peerId: PeerId) =>
      expect(await from.opened.evaluate((point) => page.connect(point), to)).toMatchObject({ peerId, transport: 'webrtc' })
    await eventually(() => dial(b, way(plain.pool.peerId, direct.pool.peerId), direct.pool.peerId))
    await eventually(async () => void (await direct.pool.connect(way(plain.pool.peerId, a.peerId))))
    await plain.stop()
    await eventually(() => dial(a, way(direct.pool.peerId, b.peerId), b.peerId))
    await direct.stop()
    const peersOf = ({ opened }: typeof a) => opened.evaluate(() => page.connections().map(({ peerId }) => peerId))
    await eventually(async () => expect([await peersOf(a), await peersOf(b)]).toEqual([[b.peerId], [a.peerId]]))
  } finally {
    await Promise.all([plain.stop(), direct.stop()])
  }
}, 60_000)
