/** The facts about connections: which there are and over what, how the pages found each other, and that messages go both ways. */
import type { PeerId } from '../index.ts'
import { type Mailbox, seenBy } from './demo-check-context.ts'
import { eventually, expectThat, type Facts, seconds } from './demo-facts.ts'
import type { DemoNodePeer } from './demo-node-peer.ts'
import type { Demo } from './demo-start.ts'
import type { DemoTab } from './demo-tab.ts'

/** From the moment the second page is opened. */
const joinDeadlineMs = 10_000
/** Of the five Node peers, that a page must hold at least. */
const minNodePeers = 3

export interface LinksOptions {
  readonly demo: Demo
  readonly facts: Facts
  readonly mailbox: Mailbox
  open(name: string): Promise<DemoTab>
}

/** The two pages, or nothing if one of them does not run: then there is nothing more to see. */
export async function checkLinks({ demo, facts, mailbox, open }: LinksOptions): Promise<{ first: DemoTab; second: DemoTab } | undefined> {
  const { network } = demo
  await facts.holds('the Node peers hold each other, over TCP or WebSockets', () => nodePeersHoldEachOther(network.peers))

  const first = await openPage('page 1', { facts, open })
  if (first === undefined) return undefined
  await facts.holds('page 1 holds Node peers over WebSockets', () => holdsNodePeers(first, demo))
  await facts.holds('page 1 can be reached over the relay', () => isReachable(first))

  const openedAt = Date.now()
  const second = await openPage('page 2', { facts, open })
  if (second === undefined) return undefined
  const firstId = await first.started()
  const secondId = await second.started()
  await facts.holds('page 1 sees page 2 and is connected to it within 10 s of its joining', async () => {
    const { establishedAt } = await eventually(() => first.connectionTo(secondId), { expected: 'a connection', seen: () => seenBy(first) })
    await eventually(async () => ((await first.connectionRow(secondId).count()) === 1 ? true : undefined), {
      expected: 'page 1 to show it'
    })
    expectThat(establishedAt - openedAt <= joinDeadlineMs, {
      expected: `at most ${seconds(joinDeadlineMs)} s`,
      seen: `${seconds(establishedAt - openedAt)} s`
    })
    return `${seconds(establishedAt - openedAt)} s after it was opened`
  })
  await facts.holds('a Node peer advertised one page to the other; no configuration names it', () =>
    learnedFromNodePeers(first, second, demo)
  )
  for (const [tab, other] of [
    [first, secondId],
    [second, firstId]
  ] as const) {
    await facts.holds(`${tab.name} holds the other page over WebRTC, direct`, () => isDirect(tab, other))
  }
  await facts.holds('page 2 holds Node peers over WebSockets', () => holdsNodePeers(second, demo))
  await facts.holds('page 1 draws each known point in the colour of its condition', () => drawsStates(first))
  await checkMessages({ demo, facts, mailbox, first, second })
  return { first, second }
}

async function openPage(name: string, { facts, open }: Pick<LinksOptions, 'facts' | 'open'>): Promise<DemoTab | undefined> {
  let tab: DemoTab | undefined
  await facts.holds(`${name} runs its pool`, async () => {
    const opened = await open(name)
    const peerId = await opened.started()
    await eventually(async () => ((await opened.page.getByTestId('own-peer-id').innerText()) === peerId ? true : undefined), {
      expected: 'the page to show its peer id'
    })
    tab = opened
    return peerId
  })
  return tab
}

async function nodePeersHoldEachOther(peers: readonly DemoNodePeer[]): Promise<string> {
  const missing = (): string[] =>
    peers.flatMap((peer) => {
      const direct = peer.pool.snapshot().connections.filter(({ transport }) => transport === 'tcp' || transport === 'ws')
      const lacking = peers.filter((other) => other !== peer && !direct.some(({ peerId }) => peerId === other.peerId))
      return lacking.map((other) => `${peer.name} lacks ${other.name}`)
    })
  await eventually(() => (missing().length === 0 ? true : undefined), {
    expected: 'each to hold the four others',
    seen: () => missing().map((lack) => `${lack}: ${whyNot(peers, lack)}`)
  })
  return `${(peers.length * (peers.length - 1)) / 2} connections`
}

/** Of a Node peer that lacks another: what its pool says of it. */
function whyNot(peers: readonly DemoNodePeer[], lack: string): string {
  const [peer, other] = lack.split(' lacks ').map((name) => peers.find((one) => one.name === name))
  if (peer === undefined || other === undefined) return 'nothing'
  const { pool } = peer
  return `${pool.explain(other.peerId).text}; ${pool.explainBand().text}; of ${pool.snapshot().points.length} points`
}

async function holdsNodePeers(tab: DemoTab, { network }: Demo): Promise<string> {
  const found = await eventually(
    async () => {
      const drawn = await tab.drawnPeers('ws')
      const held = network.peers.filter(
        (peer) => drawn.includes(peer.peerId) && peer.pool.connections.findByPeerId(tab.peerId)?.transport === 'ws'
      )
      return held.length >= minNodePeers ? held : undefined
    },
    { expected: `at least ${minNodePeers} Node peers in the page's list, which hold the page too`, seen: () => seenBy(tab) }
  )
  return `${found.length} of ${network.peers.length}`
}

async function isReachable(tab: DemoTab): Promise<string> {
  const point = await eventually(async () => (await tab.snapshot()).ownPoints.find((own) => own.includes('/p2p-circuit/webrtc')), {
    expected: 'an own point for WebRTC over the relay',
    seen: async () => (await tab.snapshot()).ownPoints
  })
  return point.replace(/\/p2p\/\w+/g, (id) => `/p2p/…${id.slice(-6)}`)
}

/** The page that dialed had the other one's point from a Node peer. */
async function learnedFromNodePeers(first: DemoTab, second: DemoTab, { network }: Demo): Promise<string> {
  for (const tab of [first, second]) {
    const trusted = await tab.trustedPoints()
    expectThat(
      trusted.every((point) => network.pageSettings.trustedPoints.some((given) => given.startsWith(point))),
      {
        expected: `${tab.name} to be configured with the relay only`,
        seen: trusted
      }
    )
  }
  const [dialer, other] = (await first.connectionTo(second.peerId))?.direction === 'outgoing' ? [first, second] : [second, first]
  const { points, connections } = await dialer.snapshot()
  const connection = connections.find(({ peerId }) => peerId === other.peerId)
  const point = points.find((known) => known.point === connection?.point)
  const source = network.peers.find(({ peerId }) => peerId === point?.source)
  expectThat(point !== undefined && source !== undefined && ['advertise', 'nack'].includes(point.discoverySource), {
    expected: `${dialer.name} to have learned the point it dialed by an Advertise of a Node peer`,
    seen: { connection, point }
  })
  return `${dialer.name} has it from ${source.name}`
}

/** In both worlds: what the pool says, and libp2p's connection below it. */
async function isDirect(tab: DemoTab, other: PeerId): Promise<string> {
  const connection = await eventually(
    async () => ((await tab.connectionTo(other))?.transport === 'webrtc' ? tab.connectionTo(other) : undefined),
    {
      expected: 'a pool connection over WebRTC',
      seen: () => seenBy(tab)
    }
  )
  expectThat((await tab.drawnPeers('webrtc')).includes(other), {
    expected: 'the page to show it as WebRTC',
    seen: await tab.drawnPeers('webrtc')
  })
  const below = await tab.libp2pConnections(other)
  const direct = below.filter(({ limited, remoteAddress }) => !limited && remoteAddress.includes('/webrtc'))
  expectThat(direct.length > 0, { expected: 'a connection of libp2p over WebRTC without limits', seen: below })
  return `${connection.direction}, ${direct[0]?.remoteAddress.replace(/\/p2p\/\w+/g, (id) => `/p2p/…${id.slice(-6)}`)}`
}

/** Chromium does not always restyle a row that changes and moves at once; the state in the page was right, the picture was not. */
async function drawsStates(tab: DemoTab): Promise<string> {
  const looks = await tab.dotsByCondition()
  const colours = Object.entries(looks).map(([state, all]) => [state, [...new Set(all)]] as const)
  const mixed = colours.filter(([, distinct]) => distinct.length > 1)
  const running = looks.connected ?? []
  expectThat(running.length > 0 && mixed.length === 0, { expected: 'one colour for each condition, and connected points', seen: looks })
  return `${running.length} connected`
}

async function checkMessages({
  demo,
  facts,
  mailbox,
  first,
  second
}: {
  demo: Demo
  facts: Facts
  mailbox: Mailbox
  first: DemoTab
  second: DemoTab
}): Promise<void> {
  const [one, two] = demo.network.peers.slice(1)
  if (one === undefined || two === undefined) throw new Error('the demo has fewer than three Node peers')
  await facts.holds('a message goes both ways between two Node peers, over TCP or WebSockets', async () => {
    await deliver({ from: one, to: two, text: 'one way', mailbox })
    await deliver({ from: two, to: one, text: 'and back', mailbox })
    return undefined
  })
  await facts.holds('a message goes both ways between a page and a Node peer over WebSockets', async () => {
    await first.say('from a page over WebSockets', one.peerId)
    await eventually(() => mailbox.has(one, first.peerId, 'from a page over WebSockets') || undefined, {
      expected: `${one.name} to get it`
    })
    await one.send(first.peerId, 'from Node over WebSockets')
    await first.hears('from Node over WebSockets', one.peerId)
    return undefined
  })
  await facts.holds('a message goes both ways between the two pages over WebRTC', async () => {
    await first.say('from page 1 over WebRTC', second.peerId)
    await second.hears('from page 1 over WebRTC', first.peerId)
    await second.say('from page 2 over WebRTC', first.peerId)
    await first.hears('from page 2 over WebRTC', second.peerId)
    return undefined
  })
}

async function deliver({
  from,
  to,
  text,
  mailbox
}: {
  from: DemoNodePeer
  to: DemoNodePeer
  text: string
  mailbox: Mailbox
}): Promise<void> {
  const transport = from.pool.connections.findByPeerId(to.peerId)?.transport
  expectThat(transport === 'tcp' || transport === 'ws', { expected: 'a connection over TCP or WebSockets', seen: transport })
  await from.send(to.peerId, text)
  await eventually(() => mailbox.has(to, from.peerId, text) || undefined, { expected: `${to.name} to get ${JSON.stringify(text)}` })
}
