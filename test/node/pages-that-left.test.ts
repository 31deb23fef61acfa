/** Real pages that come and go: what a newcomer is told of them. The same for twenty minutes: `npm run long -- pages-come-and-go`. */
import { afterEach, expect, test } from 'vitest'
import { createNodePeer, type NodePeer, type PeerId } from '../../node/index.ts'
import { departures, LongBrowser } from '../long/browser.ts'
import type { LongPage } from '../long/long-page.ts'
import { eventually } from './pages.ts'

declare const long: LongPage

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

const network = 'left-test'
const band = { minConnections: 2, expectedConnections: 3, maxConnections: 8 }

async function startNode(init: object): Promise<NodePeer> {
  const node = await createNodePeer({
    network,
    listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
    inboundConnectionThreshold: 1_000,
    ...init
  })
  stops.push(() => node.stop())
  return node
}

const pointOf = (node: NodePeer, end: string): string =>
  `${node.pool.network.ownPoints().find((point) => point.endsWith(end))}/p2p/${node.pool.peerId}`

test('a newcomer gets the point of the page that is there, and of none that left, closed its tab or crashed', async () => {
  const relay = await startNode({ relay: true })
  const [port] = /\d+$/.exec(relay.pool.network.ownPoints().find((point) => !point.endsWith('/ws')) ?? '') ?? []
  const other = await startNode({ trustedPoints: [pointOf(relay, `${port}`)] })
  const browser = await LongBrowser.launch()
  stops.push(() => browser.close())
  const init = { network, trustedPoints: [pointOf(relay, '/ws')], ...band }
  const pages = await Promise.all(
    [undefined, ...departures].map(async (departure) => {
      const tab = await browser.open()
      const peerId = await tab.page.evaluate((options) => long.start(options), init)
      await tab.page.evaluate(() => long.ownPoint())
      return { departure, tab, peerId }
    })
  )
  const knows = (node: NodePeer, peerId: PeerId): boolean => node.pool.snapshot().points.some(({ point }) => point.endsWith(peerId))
  await eventually(async () => {
    for (const { peerId } of pages) expect([relay, other].some((node) => knows(node, peerId))).toBe(true)
  })
  const gone = pages.filter(({ departure }) => departure !== undefined)
  for (const { departure = 'left', tab } of gone) await tab.end(departure)
  // Of a page that crashed another page hears nothing, and finds it dead after some seconds.
  const [stays] = pages
  await eventually(async () => {
    const peers = await stays?.tab.page.evaluate(() => long.peers())
    expect(gone.filter(({ peerId }) => peers?.includes(peerId))).toEqual([])
  }, 30_000)

  const newcomer = await browser.open()
  const { given } = await newcomer.page.evaluate((options) => long.arrive(options, { count: 3, withinMs: 15_000, watchMs: 1_000 }), init)
  const told = pages.filter(({ peerId }) => given.some(({ point }) => point.endsWith(peerId))).map(({ departure }) => departure ?? 'stayed')
  expect(told).toEqual(['stayed'])
}, 60_000)
