/**
 * The demo page: starts the peer, draws its pool. It draws at most once per frame, when the pool says that something
 * changed, and once a second while it is visible, for what is relative to now. What each part shows is in its own file.
 *
 * For the console and for automated checks, `globalThis.p2pPool` is what `createWebPeer` gave: the pool with the same face in
 * each tab; its `owned` has the libp2p node and the PeerPool in the tab that runs them. The parts of the page are found by `data-testid`, the buttons by `data-action`, rows
 * by `data-peer`, `data-point`, `data-transport` and `data-direction`.
 */

import { messageOf } from '../../src/core/values/reason.ts'
import type { Recording } from '../../src/recording/index.ts'
import type { SharedPool } from '../index.ts'
import { breakItPart } from './break-it.ts'
import { findBreaker } from './break-server.ts'
import { chartPart } from './chart.ts'
import { connectionsPart } from './connections.ts'
import { listenForDials } from './dial.ts'
import { byId, setHidden, setText } from './dom.ts'
import { listenForFullTexts } from './full-text.ts'
import { gaugePart } from './gauge.ts'
import { graphPart } from './graph.ts'
import { invitePart } from './invite.ts'
import { joinPart } from './join.ts'
import { knownPart } from './known.ts'
import { leftAlonePart } from './left-alone.ts'
import { leftLatelyPart } from './left-lately.ts'
import { fillLegends } from './legend.ts'
import { logPart } from './log.ts'
import { messagesPart } from './messages.ts'
import { followNames } from './names.ts'
import { installCut } from './network-cut.ts'
import { Notices } from './notices.ts'
import { ownPart } from './own.ts'
import type { Page, Part } from './page.ts'
import { showPhone } from './phone.ts'
import { settingsPart } from './pool-settings.ts'
import { TrafficRates } from './rates.ts'
import { listenForSave, startRecording } from './recording.ts'
import { type DemoSettings, loadSettings } from './settings.ts'
import { sharedTextPart } from './shared-text.ts'
import { sheetPart } from './sheet.ts'
import { openPool } from './start.ts'
import { showLife, statusPart } from './status.ts'
import { followTabs } from './tabs.ts'
import { listenForTheme } from './theme.ts'
import { trafficPart } from './traffic.ts'
import { listenForWelcome } from './welcome.ts'
import { withoutServersPart } from './without-servers.ts'

declare global {
  /** Set once the pool runs, here or in another tab. */
  var p2pPool: SharedPool | undefined
}

const tickMs = 1_000
/** Between two drawings for what the pool does by itself: fast enough for eyes, and a busy pool does not keep the page busy. */
const calmMs = 250

async function start(): Promise<void> {
  showLife('starting')
  try {
    if (!globalThis.isSecureContext) (await import('./without-https.ts')).giveHashes()
    const [settings, recording] = await Promise.all([loadSettings(), startRecording()])
    showPhone(settings)
    setText(byId('network', HTMLSpanElement), settings.network)
    const pool = await openPool(settings, recording)
    globalThis.p2pPool = pool
    showPool(pool, settings, recording)
  } catch (error) {
    console.error('the pool could not start', error)
    setText(byId('failure-message', HTMLParagraphElement), messageOf(error))
    setHidden(byId('failure', HTMLDivElement), false)
    showLife('failed')
  }
}

function showPool(pool: SharedPool, settings: DemoSettings, recording: Recording | undefined): void {
  const draw = () => {
    const snapshot = pool.snapshot()
    tabs.show(snapshot)
    if (snapshot === undefined) return
    const moment = { snapshot, now: Date.now() }
    page.names.show(snapshot)
    page.rates.add(snapshot, moment.now)
    for (const part of parts) part.show(moment)
  }
  const redraw = oncePerFrame(draw)
  const names = followNames(pool, redraw)
  const messages = messagesPart({ pool, names }, redraw)
  const tabs = followTabs(pool, settings, redraw)
  const sheet = sheetPart(() => page, redraw)
  const page: Page = {
    pool,
    notices: new Notices(byId('notices', HTMLDivElement)),
    names,
    rates: new TrafficRates(),
    writeTo: (peerId) => messages.writeTo(peerId),
    openPeer: (peerId) => sheet.open(peerId),
    leaveAlone: (peerId) => leftAlone.add(peerId),
    showPoint: (point) => known.showPoint(point)
  }
  const known = knownPart(page, redraw)
  const leftAlone = leftAlonePart(() => page, redraw)
  const log = logPart(page, calmly(redraw))
  const breaker = findBreaker()
  const parts: readonly Part[] = [
    ownPart(page, settings, redraw),
    gaugePart(page),
    chartPart(page, redraw),
    trafficPart(page),
    graphPart(page, redraw),
    connectionsPart(page, redraw),
    leftLatelyPart(page, redraw),
    leftAlone,
    known,
    messages,
    settingsPart(page),
    sheet,
    log,
    breakItPart(page, { breaker, note: log.note }),
    withoutServersPart(page, { breaker, note: log.note }, redraw),
    sharedTextPart(page),
    invitePart(page, settings),
    joinPart(page),
    statusPart(page, settings, redraw)
  ]
  listenForDials(page)
  listenForSave(page, recording)
  pool.addEventListener('change', calmly(redraw))
  addEventListener('online', redraw)
  addEventListener('offline', redraw)
  tickWhileVisible(redraw)
  draw()
}

/** Browsers give no frame to a hidden page: it draws when it is seen again. */
function oncePerFrame(draw: () => void): () => void {
  let asked = false
  return () => {
    if (asked) return
    asked = true
    requestAnimationFrame(() => {
      asked = false
      draw()
    })
  }
}

/** At once after a pause, at the end of `calmMs` in a crowd. */
function calmly(redraw: () => void): () => void {
  let lastAt = Number.NEGATIVE_INFINITY
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    if (timer !== undefined) return
    const run = () => {
      timer = undefined
      lastAt = performance.now()
      redraw()
    }
    const wait = lastAt + calmMs - performance.now()
    if (wait <= 0) run()
    else timer = setTimeout(run, wait)
  }
}

function tickWhileVisible(redraw: () => void): void {
  let timer: ReturnType<typeof setInterval> | undefined
  const follow = () => {
    clearInterval(timer)
    if (document.visibilityState === 'hidden') return
    timer = setInterval(redraw, tickMs)
    redraw()
  }
  document.addEventListener('visibilitychange', follow)
  follow()
}

// Before the first socket.
installCut()
listenForTheme()
listenForWelcome()
fillLegends()
listenForFullTexts()
// The script of index.html shows what fails before this.
document.body.setAttribute('data-script', 'running')
void start()
