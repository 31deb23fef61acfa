/** Two pages in separate profiles of one browser, and no server at all: one invites, the other joins by a copied answer. */
import type { Server } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNodePeer } from '../../node/index.ts'
import { launchBrowser } from '../support/browsers.ts'
import { addressOf, bundlePage, eventually, servePage } from './pages.ts'
import type { TestPage } from './web-peer-page.ts'

declare const page: TestPage

let server: Server
let browser: Browser

beforeAll(async () => {
  ;[server, browser] = await Promise.all([servePage(await bundlePage('web-peer-page.ts')), launchBrowser()])
}, 60_000)

afterAll(async () => {
  await browser?.close()
  server?.closeAllConnections()
  server?.close()
})

async function openPage(): Promise<Page> {
  const context = await browser.newContext()
  const opened = await context.newPage()
  opened.setDefaultTimeout(20_000)
  await opened.goto(addressOf(server))
  return opened
}

const init = { network: 'web-test', minConnections: 0, expectedConnections: 0, maxConnections: 10 }

test('a page joins another by a copied answer, and messages go both ways', async () => {
  const pages = await Promise.all([openPage(), openPage()])
  const [a, b] = pages
  const [alice, bob] = await Promise.all(pages.map((one) => one.evaluate((given) => page.start(given), init)))
  const [aliceId, bobId] = [alice?.peerId, bob?.peerId]
  if (aliceId === undefined || bobId === undefined) throw new Error('no peers')
  const text = await b.evaluate(() => page.invite())
  expect(text.length).toBeLessThanOrEqual(600)
  const answer = await a.evaluate((invitation) => page.join(invitation), text)
  expect(answer.length).toBeLessThanOrEqual(600)
  expect(await b.evaluate((given) => page.accept(given), answer)).toBe(aliceId)
  expect(await a.evaluate(() => page.joined())).toBe(bobId)
  expect(await a.evaluate(() => page.connections())).toMatchObject([{ peerId: bobId, transport: 'webrtc', direction: 'outgoing' }])
  expect(await b.evaluate(() => page.connections())).toMatchObject([{ peerId: aliceId, transport: 'webrtc', direction: 'incoming' }])
  const carry = async (from: Page, fromId: typeof aliceId, to: Page, toId: typeof aliceId): Promise<number> => {
    const received = to.evaluate((id) => page.receive(id, 300_000), fromId)
    await from.evaluate((id) => page.send(id, 300_000), toId)
    return received
  }
  expect(await Promise.all([carry(a, aliceId, b, bobId), carry(b, bobId, a, aliceId)])).toEqual([300_000, 300_000])
  // The other end sees a goodbye, and both connections of the browser end.
  await a.evaluate((id) => page.disconnect(id), bobId)
  await eventually(async () => {
    expect(await b.evaluate(() => page.connections())).toEqual([])
    expect(await b.evaluate((id) => page.limited(id), aliceId)).toEqual([])
  })
}, 60_000)

test('a Node peer with WebRTC joins a page by a copied answer', async () => {
  const node = await createNodePeer({ ...init, listen: [], webRtc: true })
  try {
    const a = await openPage()
    const { peerId } = await a.evaluate((given) => page.start(given), init)
    const text = await a.evaluate(() => page.invite())
    const { promise: made, resolve } = Promise.withResolvers<string>()
    const joined = node.pool.join(text, { onAnswer: resolve })
    const given = await made
    expect(await Promise.all([joined, a.evaluate((one) => page.accept(one), given)])).toEqual([peerId, node.pool.peerId])
  } finally {
    await node.stop()
  }
}, 60_000)
