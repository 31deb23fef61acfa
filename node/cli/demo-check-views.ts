/**
 * The facts about what a person sees of the peers: what they are called, how they are connected and why they are kept, round trips and bytes
 * in the picture, rates, why a peer left, what can be dialed, and the page on a phone.
 */
import { createNodePeer, type NodePeer, type PeerId } from '../index.ts'
import { violationsOf } from './demo-check-access.ts'
import type { CheckContext } from './demo-check-context.ts'
import { eventually, expectThat } from './demo-facts.ts'
import { demoNetworkName } from './demo-network.ts'
import { servePage } from './demo-server.ts'
import type { Shutdown } from './demo-shutdown.ts'
import type { DemoTab } from './demo-tab.ts'

export interface ViewsOptions extends CheckContext {
  /** A new visitor, at a URL. */
  openAt(name: string, url: string, before: () => void): Promise<DemoTab>
}

export async function checkViews({ demo, facts, first, second, shutdown, closedPorts, openAt }: ViewsOptions): Promise<void> {
  const { peers } = demo.network
  const [relay, friend] = peers
  if (relay === undefined || friend === undefined) throw new Error('the demo has fewer than two Node peers')
  await facts.holds('page 1 calls its peers by name and kind, and says how each is connected and why it is kept', async () => {
    const wanted: readonly (readonly [PeerId, RegExp])[] = [
      [relay.peerId, /^Relay\nDirect, over WebSockets; .+\.\nKept, since it is trusted\.$/],
      [friend.peerId, /^Node peer \d\nNode, direct, over WebSockets; .+\.\n(Kept, since|Among the next).+\.$/],
      [second.peerId, /^(Chrome|Firefox) on a computer\nDirect, page to page over WebRTC; .+\.\n(Kept, since|Among the next).+\.$/]
    ]
    for (const [peerId, words] of wanted) {
      await eventually(async () => words.test(await storyOf(first, peerId)) || undefined, {
        expected: `the row of ${peerId} to match ${words}`,
        seen: () => storyOf(first, peerId)
      })
    }
    return (await storyOf(first, second.peerId)).replaceAll('\n', ' · ')
  })
  await facts.holds('the picture has circles for round trips, and names below its marks', async () => {
    const graph = first.page.locator('#graph')
    const guides = await graph.locator('.guide-text').allTextContents()
    const names = await eventually(
      async () => {
        const texts = await graph.locator('.ring-1 .name').allTextContents()
        return texts.includes('relay') ? texts : undefined
      },
      { expected: 'a mark named relay', seen: () => graph.locator('.name').allTextContents() }
    )
    expectThat(guides.length >= 2 && guides[0] === '1 ms', { expected: '1 ms, 10 ms, …', seen: guides })
    return `${guides.join(', ')}; ${names.join(', ')}`
  })
  await facts.holds('bytes run as dots along the line, unless the person wants less motion; the chart shows the rate', async () => {
    const text = 'x'.repeat(3_000)
    await first.page.evaluate(countDots)
    const dots = (): Promise<number> => first.page.evaluate(() => (globalThis as { dotsSeen?: number }).dotsSeen ?? 0)
    // The Firefox of the check is started with less motion, and cannot be asked for more.
    const isStill = await first.page.evaluate(() => matchMedia('(prefers-reduced-motion: reduce)').matches)
    await first.say(text, friend.peerId)
    if (!isStill) await eventually(async () => (await dots()) || undefined, { expected: 'a dot on its way' })
    const words = first.page.locator('#traffic-words')
    const rate = await eventually(async () => (/[1-9].*in, .*[1-9].* out/.test(await words.innerText()) ? words.innerText() : undefined), {
      expected: 'a rate in words',
      seen: () => words.innerText()
    })
    expectThat(((await first.page.locator('#traffic-chart .sent').getAttribute('d')) ?? '') !== '', { expected: 'bars', seen: 'none' })
    await first.page.emulateMedia({ reducedMotion: 'reduce' })
    const before = isStill ? 0 : await dots()
    await first.say(text, friend.peerId)
    await eventually(async () => /[1-9].* out/.test(await words.innerText()) || undefined, { expected: 'a rate in words' })
    const after = await dots()
    await first.page.emulateMedia({ reducedMotion: null })
    expectThat(after === before, { expected: 'no more dots', seen: after - before })
    return `${isStill ? 'this browser wants less motion' : `${before} dots`}; ${rate}`
  })
  await facts.holds('a ws:// URL is dialed, a name is cleaned, and the peer that leaves again is listed with a reason', async () => {
    const visitor = await startVisitor(shutdown)
    const [address = ''] = visitor.node.getMultiaddrs().map(String)
    const { peerId } = visitor.pool
    const port = Number(/\/tcp\/(\d+)/.exec(address)?.[1])
    closedPorts.add(port)
    const { connected, words } = await first.dial(`ws://127.0.0.1:${port}`)
    expectThat(connected, { expected: 'a connection', seen: words })
    const title = await eventually(async () => /^Anna and Bob x+…$/.exec((await storyOf(first, peerId)).split('\n')[0] ?? '')?.[0], {
      expected: 'its name on one short line',
      seen: () => storyOf(first, peerId)
    })
    const { connected: again, words: known } = await first.dial(peerId)
    expectThat(!again && /^Already connected/.test(known), { expected: 'the id of a known peer to lead to its address', seen: known })
    await visitor.stop()
    const row = first.page.locator(`[data-testid="left-lately-row"][data-peer="${peerId}"]`)
    const reason = await eventually(async () => ((await row.count()) > 0 ? row.locator('p').innerText() : undefined), {
      expected: 'a row of it'
    })
    expectThat(reason === 'Its page was closed, or its program was stopped.', { expected: 'that it went away', seen: reason })
    return `${title}: ${reason}`
  })
  await facts.holds('what cannot be dialed is explained before it is tried', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['', /nothing to dial/],
      ['http://example.org', /web page, not of a peer/],
      ['wss://example.org/path', /host and a port/],
      ['example.org', /no address of a peer/],
      [first.peerId, /id of this page/],
      [`12D3KooW${'x'.repeat(44)}`, /No address of/]
    ]
    for (const [text, words] of cases) {
      const answer = await first.dial(text)
      expectThat(!answer.connected && words.test(answer.words), { expected: `${JSON.stringify(text)}: ${words}`, seen: answer.words })
    }
    return `${cases.length} texts`
  })
  await facts.holds(
    'a page without https, as a phone gets it: a QR code of its address, a warning, its pool, and axe objects to nothing',
    async () => {
      const settings = demo.network.pageSettings
      const server = await shutdown.own('The server for the phone', {
        start: () => servePage(demo.files, { settings, port: 0, host: '127.0.0.1' }),
        stop: (started) => started.close()
      })
      const phone = await openAt('the phone', server.url, takeSecureContext)
      await phone.started()
      const label = await phone.page.locator('#phone .qr').getAttribute('aria-label')
      expectThat(label === `QR code of ${server.address}`, { expected: server.address ?? '', seen: label })
      expectThat(await phone.page.getByTestId('no-https').isVisible(), { expected: 'a warning', seen: 'none' })
      const { connections } = await eventually(
        async () => {
          const snapshot = await phone.snapshot()
          return snapshot.connections.length > 0 ? snapshot : undefined
        },
        { expected: 'a connection', seen: () => phone.snapshot() }
      )
      const rules = (await violationsOf(phone.page, 'light')) + (await violationsOf(phone.page, 'dark'))
      // This server breaks nothing, so it has no answer for the part of the page that does.
      const problems = phone.problems.filter((problem) => !problem.includes('/break.json'))
      expectThat(problems.length === 0, { expected: 'nothing on the console', seen: problems })
      await phone.page.context().close()
      return `${connections.length} connections, ${rules} rules`
    }
  )
}

/** A peer with a name that would break lines and turn writing around. */
function startVisitor(shutdown: Shutdown): Promise<NodePeer> {
  const name = `  Anna\u202e\n and\u0000 Bob ${'x'.repeat(200)}`
  const own = new TextEncoder().encode(JSON.stringify({ kind: 'node', name }))
  const same = (bytes: Uint8Array): Uint8Array => bytes
  return shutdown.own('The visitor', {
    start: () =>
      createNodePeer({
        network: demoNetworkName,
        listen: ['/ip4/127.0.0.1/tcp/0/ws'],
        connectionMetadata: { own: () => own, codec: { encode: same, decode: same } }
      }),
    stop: (peer) => peer.stop()
  })
}

async function storyOf(tab: DemoTab, peerId: PeerId): Promise<string> {
  const row = tab.connectionRow(peerId)
  const parts = ['peer-title', 'connection-story', 'why-kept'].map((id) => row.getByTestId(id).innerText())
  return (await Promise.all(parts)).join('\n')
}

/** Runs in the page. */
function countDots(): void {
  const counting = globalThis as { dotsSeen?: number }
  counting.dotsSeen = 0
  const layer = document.querySelector('.pulses')
  if (layer === null) throw new Error('the picture has no layer for dots')
  new MutationObserver((records) => {
    counting.dotsSeen = (counting.dotsSeen ?? 0) + records.reduce((sum, { addedNodes }) => sum + addedNodes.length, 0)
  }).observe(layer, { childList: true })
}

/** Runs in the page, before its scripts: what browsers take from a page that came over plain http from another machine. */
function takeSecureContext(): void {
  const gone = { configurable: true, value: undefined }
  Object.defineProperty(globalThis, 'isSecureContext', { configurable: true, value: false })
  Object.defineProperty(crypto, 'subtle', gone)
  Object.defineProperty(crypto, 'randomUUID', gone)
  Object.defineProperty(navigator, 'locks', gone)
  Object.defineProperty(navigator, 'clipboard', gone)
}
