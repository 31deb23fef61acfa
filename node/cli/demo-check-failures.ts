/** The facts about a page that cannot start as it should: parts of its script that are missing or broken, and a browser without WebRTC. */
import type { Page } from 'playwright-core'
import type { DemoBrowser } from './demo-browser.ts'
import { type CheckContext, seenBy } from './demo-check-context.ts'
import { eventually, expectThat } from './demo-facts.ts'
import type { PageFiles } from './demo-server.ts'

export interface FailuresContext extends CheckContext {
  readonly browser: DemoBrowser
}

export async function checkFailures({ facts, demo, browser, second, closedPorts }: FailuresContext): Promise<void> {
  const { main, late } = scriptsOf(demo.files)
  const brokenMains = [
    { what: 'is not there', status: 404, body: 'there is nothing here' },
    { what: 'is no JavaScript', status: 200, body: `{${main.body}` },
    { what: 'throws while it loads', status: 200, body: `throw new Error('broken on purpose');${main.body}` }
  ]
  for (const { what, ...given } of brokenMains) {
    await facts.holds(`a page whose script ${what} says so`, async () => {
      const page = await browser.openBroken({ path: main.path, ...given })
      const words = await failureOf(page)
      await page.context().close()
      return `“${words}”`
    })
  }
  await facts.holds('a page without one of the parts that it loads later says so, or runs all the same', async () => {
    const ends: string[] = []
    for (const path of late) ends.push(`${path.replace(/^\/assets\/|-[^-]+$/g, '')}: ${await endWithout(browser, path)}`)
    expectThat(
      ends.some((end) => end.endsWith('says so')),
      { expected: 'a part that the page cannot do without', seen: ends }
    )
    return ends.join(', ')
  })
  await facts.holds('a page in a browser without WebRTC says that it is missing, claims no address, and keeps to Node peers', async () => {
    const tab = await browser.open('the page without WebRTC', {
      before: () => {
        Reflect.deleteProperty(globalThis, 'RTCPeerConnection')
      }
    })
    await tab.started()
    await eventually(async () => (await tab.page.getByTestId('no-webrtc').isVisible()) || undefined, { expected: 'the page to say so' })
    await eventually(async () => (await tab.snapshot()).active >= demo.network.peers.length || undefined, {
      expected: 'all Node peers',
      seen: () => seenBy(tab)
    })
    const { ownPoints, connections } = await tab.snapshot()
    const transports = new Set(connections.map(({ transport }) => transport))
    expectThat(ownPoints.length === 0 && transports.size === 1 && transports.has('ws'), {
      expected: 'no own address, and WebSockets alone',
      seen: { ownPoints, transports: [...transports] }
    })
    expectThat((await tab.connectionTo(second.peerId)) === undefined, { expected: 'no other page', seen: await seenBy(tab) })
    const troubles = tab.troubles(closedPorts)
    expectThat(troubles.length === 0, { expected: 'no error', seen: troubles })
    const words = await tab.page.getByTestId('no-webrtc').innerText()
    await tab.page.context().close()
    return `“${words.split('.')[0]}”, ${connections.length} connections`
  })
}

interface Scripts {
  readonly main: { readonly path: string; readonly body: string }
  /** Paths. */
  readonly late: readonly string[]
}

/** What the page loads at once, as its HTML names it, and what its script loads afterwards. */
function scriptsOf(files: PageFiles): Scripts {
  const text = (path: string): string => {
    const file = files.get(path)
    return typeof file === 'object' && 'body' in file && typeof file.body === 'string' ? file.body : ''
  }
  const html = text('/')
  const path = /<script type="module"[^>]* src="([^"]+)"/.exec(html)?.[1] ?? ''
  const others = [...files.keys()].filter((name) => name.endsWith('.js') && name !== path && !html.includes(name))
  return { main: { path, body: text(path) }, late: others }
}

async function failureOf(page: Page): Promise<string> {
  const card = page.getByTestId('start-failure')
  const words = await eventually(async () => ((await card.isVisible()) && (await card.innerText())) || undefined, {
    expected: 'the card of a failed start',
    seen: () => page.locator('body').innerText()
  })
  expectThat((await page.getByTestId('pool-life').innerText()) === 'Could not start', {
    expected: '“Could not start” at the top',
    seen: await page.getByTestId('pool-life').innerText()
  })
  return words
}

async function endWithout(browser: DemoBrowser, path: string): Promise<'says so' | 'runs'> {
  const page = await browser.openBroken({ path, status: 404, body: 'there is nothing here' })
  const end = await eventually(
    async () => {
      if (await page.getByTestId('start-failure').isVisible()) return 'says so'
      return (await page.getByTestId('connection-row').count()) > 0 ? 'runs' : undefined
    },
    { expected: `the page without ${path} to run, or to say that it cannot`, seen: () => page.locator('body').innerText() }
  )
  await page.context().close()
  return end
}
