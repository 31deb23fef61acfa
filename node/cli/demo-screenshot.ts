/**
 * The pictures of the README: the page in its main states, with Node peers over WebSockets, another page over WebRTC and
 * some messages. Called by demo.ts for `--screenshot`, which started the demo and stops it afterwards.
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { type DemoBrowser, startBrowser } from './demo-browser.ts'
import { eventually, pause } from './demo-facts.ts'
import { answerOf, isJoined, linkOf, takeAnswer } from './demo-invitation.ts'
import type { Shutdown } from './demo-shutdown.ts'
import type { Demo } from './demo-start.ts'
import type { DemoTab } from './demo-tab.ts'

/** Byte counters have moved, "a few seconds" stand where "now" stood. */
const settleMs = 3_000
/** A point waits for a minute after its connection ended, and 20 % more at most. */
const returnsWithinMs = 120_000
/** What a state is about is at the top; the rest of the page is in the first picture. */
const strip = { width: 1280, height: 560 }
const desktopSize = { width: 1280, height: 1180 }
const requestedBand = { min: 4, expected: 7, max: 12 }
const phoneSize = { width: 390, height: 844 }

export interface ScreenshotOptions {
  readonly demo: Demo
  readonly shutdown: Shutdown
  /** Of the main picture, `.png`; the others get a word before the ending. */
  readonly path: string
  log(line: string): void
}

/** The paths of what was written. Rejects if the pages do not meet. */
export async function takeScreenshots({ demo, shutdown, path, log }: ScreenshotOptions): Promise<readonly string[]> {
  const browser = await startBrowser({ demo, name: 'chromium', shutdown, log })
  await mkdir(dirname(path), { recursive: true })
  const written: string[] = []
  const picture = async (page: Page | Locator, name = ''): Promise<void> => {
    const file = name === '' ? path : path.replace(/\.png$/, `-${name}.png`)
    await page.screenshot({ path: file, animations: 'disabled' })
    written.push(file)
  }
  const desktop = await browser.open('the desktop', { viewport: strip })
  await desktop.started()
  // Its own band would be content without the guest.
  await desktop.setBand(requestedBand)
  await guestVisits(desktop, demo)
  await atRest(desktop)
  await picture(desktop.page, 'first-visit')
  await desktop.page.locator('[data-action="welcome-done"]').click()

  const phone = await browser.open('the phone', { viewport: phoneSize, colorScheme: 'dark', scale: 2 })
  await phone.started()
  await phone.page.locator('[data-action="welcome-done"]').click()
  await Promise.all([filled(desktop, demo, 2), filled(phone, demo, 1), holdEachOther(desktop, phone)])
  await converse(desktop, phone, demo)
  await desktop.page.setViewportSize(desktopSize)
  await Promise.all([atRest(desktop), atRest(phone)])
  await pause(settleMs)
  await picture(desktop.page)
  await picture(phone.page, 'dark-phone')

  await points(desktop, demo)
  await picture(desktop.page.locator('#known'), 'points-dark')
  await desktop.page.emulateMedia({ colorScheme: null })
  await desktop.page.setViewportSize({ ...strip, height: 700 })
  // The guest, who has a history.
  await desktop.page.locator('.details [data-action="open-peer"]').first().click()
  await pause(settleMs)
  await picture(desktop.page, 'peer')
  await desktop.page.keyboard.press('Escape')

  const newcomer = await withoutServers(browser, desktop)
  written.push(await pictureOf(newcomer.page, ['#around', '#without-servers'], path.replace(/\.png$/, '-without-servers.png')))
  await newcomer.page.context().close()
  await desktop.page.locator('[data-action="start-servers"]').click()

  const follower = await browser.openBeside(desktop, 'the second tab')
  await follower.page.setViewportSize(strip)
  await follower.started()
  await pause(settleMs)
  await picture(follower.page, 'second-tab')
  await follower.page.close()
  await desktop.page.setViewportSize(strip)
  await atRest(desktop)
  await desktop.page.context().setOffline(true)
  await pause(settleMs)
  await picture(desktop.page, 'offline')
  await picture(await browser.openFailing({ viewport: { ...strip, height: 320 } }), 'failed')
  return written
}

/** The servers are stopped, with one more page that is open; a newcomer joins by an invitation, and meets the others by introductions. */
async function withoutServers(browser: DemoBrowser, desktop: DemoTab): Promise<DemoTab> {
  await (await browser.open('one more')).started()
  await pause(settleMs)
  await desktop.page.locator('[data-action="stop-servers"]').click()
  const newcomer = await browser.open('the newcomer', { viewport: desktopSize }, await linkOf(desktop))
  await newcomer.started()
  await newcomer.page.locator('[data-action="welcome-done"]').click()
  await takeAnswer(desktop, await answerOf(newcomer))
  await isJoined(newcomer)
  await eventually(async () => (await newcomer.page.getByTestId('introduced-row').count()) >= 2 || undefined, {
    expected: 'the newcomer to meet two pages by introductions',
    seen: () => newcomer.snapshot()
  })
  await atRest(newcomer)
  await pause(settleMs)
  return newcomer
}

/** From the top of the first to the bottom of the last. */
async function pictureOf(page: Page, selectors: readonly string[], path: string): Promise<string> {
  const boxes = await Promise.all(selectors.map((selector) => page.locator(selector).boundingBox()))
  const [first, last] = [boxes[0], boxes.at(-1)]
  if (first == null || last == null) throw new Error(`not drawn: ${selectors.join(', ')}`)
  const clip = { x: first.x - 8, y: first.y - 8, width: first.width + 16, height: last.y + last.height - first.y + 16 }
  await page.screenshot({ path, animations: 'disabled', fullPage: true, clip })
  return path
}

/** A Node peer comes, goes and comes back: the line of the chart has something to tell. */
async function guestVisits(tab: DemoTab, { network: { guest } }: Demo): Promise<void> {
  const holds = (expected: string, wanted: boolean): Promise<true> =>
    eventually(async () => ((await tab.connectionTo(guest.peerId)) !== undefined) === wanted || undefined, {
      expected,
      withinMs: returnsWithinMs,
      seen: () => tab.snapshot()
    })
  await guest.start()
  await holds('the guest to be held', true)
  await pause(settleMs)
  await guest.stop()
  await holds('the guest to be gone', false)
  await pause(settleMs)
  await guest.start()
  await holds('the guest to be held again', true)
}

/** The guest goes once more: one of the known points waits, and says why. */
async function points({ page }: DemoTab, { network: { guest } }: Demo): Promise<void> {
  const { point } = guest.pool.parsePoint(guest.multiaddr('ws'))
  await guest.stop()
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.locator('#sort-points').selectOption('next')
  await page.locator('#known').scrollIntoViewIfNeeded()
  const row = page.locator(`[data-testid="point-row"][data-point="${point}"]`)
  await row.locator('[data-action="details"]').click()
  await page.locator('#known .legend summary').first().click()
  await page.mouse.move(0, 0)
  await pause(settleMs / 2)
}

/** As a person finds the page who only looks: at its top, nothing under the pointer, nothing focused. */
async function atRest({ page }: DemoTab): Promise<void> {
  await page.mouse.move(0, 0)
  await page.evaluate(() => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    scrollTo({ top: 0, behavior: 'instant' })
  })
}

/** All Node peers that always run, and so many more. */
async function filled(tab: DemoTab, { network }: Demo, more: number): Promise<void> {
  await eventually(async () => (await tab.snapshot()).connections.length >= network.peers.length + more || undefined, {
    expected: `${tab.name} to hold all Node peers and ${more} more`,
    seen: () => tab.snapshot()
  })
}

async function holdEachOther(tab: DemoTab, other: DemoTab): Promise<void> {
  await eventually(async () => (await tab.connectionTo(other.peerId))?.transport === 'webrtc' || undefined, {
    expected: `${tab.name} to hold ${other.name} over WebRTC`,
    seen: () => tab.snapshot()
  })
}

/** What a visitor would try. */
async function converse(desktop: DemoTab, phone: DemoTab, { network }: Demo): Promise<void> {
  const holdBoth = () =>
    network.peers.slice(1).find(({ pool }) => [desktop, phone].every(({ peerId }) => pool.connections.findByPeerId(peerId) !== undefined))
  const friend = await eventually(holdBoth, { expected: 'a Node peer that both pages hold' })
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
