/**
 * The pictures of the README: the page as it looks while it runs, with Node peers over WebSockets, another page over
 * WebRTC and some messages. Called by demo.ts for `--screenshot`, which started the demo and stops it afterwards.
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { startBrowser } from './demo-browser.ts'
import { eventually, pause } from './demo-facts.ts'
import type { Shutdown } from './demo-shutdown.ts'
import type { Demo } from './demo-start.ts'
import type { DemoTab } from './demo-tab.ts'

/** Notices are gone, byte counters have moved, "a few seconds" stand where "now" stood. */
const settleMs = 3_000

export interface ScreenshotOptions {
  readonly demo: Demo
  readonly shutdown: Shutdown
  /** Of the light picture, `.png`; the dark one of a phone gets `-dark-phone` before the ending. */
  readonly path: string
  log(line: string): void
}

/** The paths of what was written. Rejects if the pages do not meet. */
export async function takeScreenshots({ demo, shutdown, path, log }: ScreenshotOptions): Promise<readonly string[]> {
  const browser = await startBrowser({ demo, shutdown, log })
  const desktop = await browser.open('the desktop', { viewport: { width: 1280, height: 1000 }, colorScheme: 'light' })
  const phone = await browser.open('the phone', { viewport: { width: 390, height: 844 }, colorScheme: 'dark', scale: 2 })
  await Promise.all([desktop.started(), phone.started()])
  await Promise.all([holdsAll(desktop, phone, demo), holdsAll(phone, desktop, demo)])
  await converse(desktop, phone, demo)
  await Promise.all([atRest(desktop), atRest(phone)])
  await pause(settleMs)

  const phonePath = path.replace(/\.png$/, '-dark-phone.png')
  await mkdir(dirname(path), { recursive: true })
  await desktop.page.screenshot({ path, animations: 'disabled' })
  await phone.page.screenshot({ path: phonePath, animations: 'disabled' })
  return [path, phonePath]
}

/** As somebody finds the page who only looks: at its top, nothing under the pointer, nothing focused. */
async function atRest({ page }: DemoTab): Promise<void> {
  await page.mouse.move(0, 0)
  await page.evaluate(() => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    scrollTo({ top: 0, behavior: 'instant' })
  })
}

async function holdsAll(tab: DemoTab, other: DemoTab, { network }: Demo): Promise<void> {
  await eventually(
    async () => {
      const { connections } = await tab.snapshot()
      const overWebRtc = connections.some(({ peerId, transport }) => transport === 'webrtc' && peerId === other.peerId)
      return (overWebRtc && connections.length > network.peers.length) || undefined
    },
    { expected: `${tab.name} to hold all Node peers and ${other.name}`, seen: () => tab.snapshot() }
  )
}

/** What a visitor would try. */
async function converse(desktop: DemoTab, phone: DemoTab, { network }: Demo): Promise<void> {
  const [, friend] = network.peers
  if (friend === undefined) throw new Error('the demo has fewer than two Node peers')
  await desktop.say('Hello from the desktop, straight over WebRTC', phone.peerId)
  await phone.hears('Hello from the desktop', desktop.peerId)
  await phone.say('And back from the phone', desktop.peerId)
  await desktop.hears('And back from the phone', phone.peerId)
  await desktop.say('Are you there?', friend.peerId)
  await desktop.hears('Are you there?', friend.peerId)
  await friend.send(phone.peerId, 'Good evening from a Node peer')
  await phone.hears('Good evening', friend.peerId)
  await desktop.connectionRow(friend.peerId).locator('[data-action="trust"]').click()
}
