/**
 * The page: starts the light client, draws what it knows. It draws at most once per frame when something changed, and once a second
 * while it is visible, for what is relative to now. For the console and for tests `globalThis.lightClient` is what runs.
 */
import { byId, setAttribute, setHidden, setText } from './dom.ts'
import { liesList, logList } from './happenings.ts'
import { headCard } from './head-card.ts'
import { peerTable } from './peer-table.ts'
import { loadSettings } from './settings.ts'
import { type LightClient, startLightClient } from './start.ts'
import { listenForTheme } from './theme.ts'
import { phaseText } from './words.ts'

declare global {
  /** Set once the client runs. */
  var lightClient: LightClient | undefined
}

const tickMs = 1_000

async function start(): Promise<void> {
  const failure = byId('failure', HTMLDivElement)
  setHidden(failure, true)
  showPhase('starting', 'Starting')
  try {
    const settings = await loadSettings()
    setText(byId('network', HTMLSpanElement), settings.network)
    let redraw = (): void => undefined
    const running = await startLightClient(settings, () => redraw())
    globalThis.lightClient = running
    redraw = show(running)
  } catch (error) {
    console.error('the light client could not start', error)
    setText(byId('failure-message', HTMLParagraphElement), error instanceof Error ? error.message : String(error))
    setHidden(failure, false)
    showPhase('failed', 'Could not start')
  }
}

/** Draws for the first time; the returned function asks for another drawing. */
function show({ pool, aftermaths, view }: LightClient): () => void {
  const parts = [headCard(), peerTable(Date.now()), liesList(aftermaths), logList()]
  const draw = (): void => {
    const now = Date.now()
    const seen = view()
    const offline = !navigator.onLine
    const alone = seen.phase !== 'syncing' && seen.verified > 0 && pool.activeConnections === 0
    const searching = alone || seen.phase === 'searching'
    showPhase(offline ? 'offline' : searching ? 'searching' : seen.phase, phaseText(seen, offline))
    setHidden(byId('offline', HTMLDivElement), !offline)
    setHidden(byId('alone', HTMLDivElement), offline || !alone)
    for (const part of parts) part(seen, now)
  }
  const redraw = oncePerFrame(draw)
  pool.addEventListener('change', redraw)
  addEventListener('online', redraw)
  addEventListener('offline', redraw)
  tickWhileVisible(redraw)
  draw()
  return redraw
}

function showPhase(phase: string, text: string): void {
  setAttribute(document.body, 'data-phase', phase)
  setText(byId('phase', HTMLSpanElement), text)
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

function tickWhileVisible(redraw: () => void): void {
  let timer: ReturnType<typeof setInterval> | undefined
  const follow = (): void => {
    clearInterval(timer)
    if (document.visibilityState === 'hidden') return
    timer = setInterval(redraw, tickMs)
    redraw()
  }
  document.addEventListener('visibilitychange', follow)
  follow()
}

listenForTheme()
byId('retry', HTMLButtonElement).addEventListener('click', () => void start())
void start()
