/** The page of the playground: what a visitor sets and does goes to the worker, what the worker sends is shown. */
import { type Connected, fillS, type Look, type MarkKind, meetS } from '../../test/sim/playground-figures.ts'
import { type Act, readWorld, type WorldSettings, whyNoAct, worldRanges, writeWorld } from '../../test/sim/world-settings.ts'
import { byId, setAttribute, setText } from '../demo/dom.ts'
import { Chart } from './chart.ts'
import type { Frame, FromWorker, ToWorker } from './messages.ts'
import { drawNetwork, type Marks, type Scene } from './picture.ts'
import { type Broken, brokenWords, followed, isFilling, planned, rateWords, unbrokenWords } from './words.ts'

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
const form = byId('settings', HTMLFormElement)
const canvas = byId('picture', HTMLCanvasElement)
const problem = byId('problem', HTMLParagraphElement)
const chart = new Chart(byId('chart', HTMLDivElement))
const since = byId('since', HTMLParagraphElement)
const atNextSecond = 'At the next second …'

let settings: WorldSettings = readWorld('')
let scene: Scene | undefined
/** A slider that is moved gives many worlds; the one at which it stays for so long is made, ms. */
const startAfterMs = 150

/** Counts the worlds of this page. */
let run = 0
/** An address that makes no sense stays where it can be mended, until the visitor sets something. */
let keepsAddress = false
/** What this page read from its address or wrote there last. Another text is a visitor's, and its event is about to come. */
let knownAddress = ''
let marks: Marks | undefined
/** Until the second `untilS` it goes as fast as it can. */
let time = { speed: 10, isPaused: false, untilS: 0 }
let starting: ReturnType<typeof setTimeout> | undefined
let broken: Broken | undefined

worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
  if (data.kind === 'failed') fail(data.message)
  else if (data.run !== run) return
  else if (data.kind === 'world') showScene(data)
  else show(data)
})
worker.addEventListener('error', ({ message }) => fail(message))
// A page that breaks says so. Other reports of the browser have no error in them.
addEventListener('error', ({ error, message }) => error instanceof Error && fail(message))
addEventListener('hashchange', () => open(location.hash.slice(1)))
form.addEventListener('input', () => change(readForm(), startAfterMs))
byId('seed', HTMLInputElement).addEventListener('change', ({ target }) => change({ seed: Number((target as HTMLInputElement).value) }))
byId('new-seed', HTMLButtonElement).addEventListener('click', () => change({ seed: Math.floor(Math.random() * 1_000_000) }))
byId('restart', HTMLButtonElement).addEventListener('click', () => change({}))
byId('pause', HTMLButtonElement).addEventListener('click', () => setTime({ isPaused: !time.isPaused }))
for (const button of document.querySelectorAll<HTMLButtonElement>('[data-speed]'))
  button.addEventListener('click', () => setTime({ speed: Number(button.dataset.speed), isPaused: false, untilS: 0 }))
for (const button of document.querySelectorAll<HTMLButtonElement>('[data-act]'))
  button.addEventListener('click', () => {
    setText(since, atNextSecond)
    tell({ kind: 'act', act: button.dataset.act as Act })
  })
byId('go-to-break', HTMLButtonElement).addEventListener('click', () => {
  // The second after it shows what it did.
  setTime({ isPaused: false, untilS: (settings.acts.at(-1)?.atS ?? 0) + 1 })
})
new ResizeObserver(() => requestAnimationFrame(draw)).observe(canvas)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
open(location.hash.slice(1))

function tell(message: ToWorker): void {
  worker.postMessage(message)
}

/** A world as its address says it. An address that makes no sense says why, and the default world runs. */
function open(text: string): void {
  knownAddress = text
  // What this page itself wrote into its address runs already.
  if (text !== '' && text === writeWorld(settings) && scene !== undefined) return
  try {
    settings = readWorld(decodeURIComponent(text))
    problem.hidden = true
    keepsAddress = false
  } catch (error) {
    settings = readWorld('')
    keepsAddress = true
    fail(`The address of this page makes no sense, so this is the default world. ${error instanceof Error ? error.message : String(error)}`)
  }
  start()
}

/** Another world, from the beginning, to which nothing was done. */
function change(changed: Partial<WorldSettings>, afterMs = 0): void {
  try {
    settings = readWorld(writeWorld({ ...settings, ...changed, acts: [] }))
    problem.hidden = true
    keepsAddress = false
    start(afterMs)
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error))
  }
}

function start(afterMs = 0): void {
  broken = undefined
  time = { ...time, untilS: 0 }
  // What the world before still sends is of no use.
  run++
  showSettings()
  showActs(0)
  showPlanned(0)
  for (const id of ['minimum', 'relays-minimum', 'connections', 'relays-connections', 'parts', 'dials']) setText(byId(id, HTMLElement), '…')
  setText(since, unbrokenWords(0))
  clearTimeout(starting)
  starting = setTimeout(() => {
    chart.clear()
    showAddress(writeWorld(settings))
    tell({ kind: 'start', run, world: writeWorld(settings), pace: time })
    setTime({})
  }, afterMs)
}

function setTime(changed: Partial<typeof time>): void {
  time = { ...time, ...changed }
  const pause = byId('pause', HTMLButtonElement)
  setText(pause, time.isPaused ? 'Go on' : 'Pause')
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-speed]'))
    setAttribute(button, 'aria-pressed', String(!time.isPaused && Number(button.dataset.speed) === time.speed))
  tell({ kind: 'pace', pace: time })
}

/** The band's numbers push each other: a minimum above the maximum makes no sense. */
function readForm(): Partial<WorldSettings> {
  const given = Object.fromEntries(inputs().map((input) => [input.name, input.valueAsNumber])) as unknown as WorldSettings
  const moved = (document.activeElement as HTMLInputElement | null)?.name
  const { min, expected, max } = given
  if (moved === 'min') return { ...given, expected: Math.max(min, expected), max: Math.max(min, expected, max) }
  if (moved === 'max') return { ...given, expected: Math.min(max, expected), min: Math.min(min, expected, max) }
  return { ...given, min: Math.min(min, expected), max: Math.max(max, expected) }
}

function inputs(): HTMLInputElement[] {
  return [...form.querySelectorAll('input')]
}

function showSettings(): void {
  for (const input of inputs()) {
    const { from, to } = worldRanges[input.name as keyof typeof worldRanges]
    Object.assign(input, { min: String(Math.max(from, input.name === 'pools' ? 10 : from)), max: String(to) })
    input.value = String(settings[input.name as keyof typeof worldRanges])
    setText(input.parentElement?.querySelector('output') as HTMLElement, input.value)
  }
  for (const place of document.querySelectorAll('[data-minimum]')) setText(place, String(settings.min))
  byId('seed', HTMLInputElement).value = String(settings.seed)
}

/** Only what is new: browsers refuse a page that writes its address many times a second. */
function showAddress(text: string): void {
  if (keepsAddress) return
  byId('link', HTMLAnchorElement).href = `#${text}`
  if (knownAddress === text) return
  knownAddress = text
  history.replaceState(null, '', `#${text}`)
}

function showScene(shown: Scene): void {
  scene = shown
  marks = undefined
  for (const place of document.querySelectorAll<HTMLElement>('[data-count]')) {
    const count = shown.kinds.filter((kind) => kind === (place.dataset.count as MarkKind)).length
    setText(place, String(count))
    place.closest('li')?.toggleAttribute('hidden', count === 0)
  }
}

function show(frame: Frame): void {
  const { looks, story, isPaused } = frame
  marks = frame
  draw()
  setText(byId('life', HTMLSpanElement), isPaused ? 'Paused' : 'Running')
  document.body.dataset.life = isPaused ? 'created' : 'running'
  showTime(frame)
  settings = frame.settings
  showActs(frame.nowS)
  showPlanned(frame.nowS)
  const look = looks.at(-1)
  if (look === undefined) return
  const world = writeWorld(settings)
  showAddress(world)
  chart.add(looks)
  for (const one of looks) broken = followed(broken, one, settings.acts)
  showNow(look)
  showBroken(look)
  setText(byId('command', HTMLElement), `npm run sim -- --scenario playground --world '${world}' --seconds ${story.atS}`)
  const withMinimum = `${(story.timeWithMinimum * 100).toFixed(2)} % of the time with at least the minimum (from ${fillS} s on)`
  const split = `${story.splitS === 0 ? 'never in parts' : `in parts for ${story.splitS} s`} (from ${meetS} s on)`
  const counted = story.atS > meetS ? `${withMinimum}, ${split}` : story.atS > fillS ? withMinimum : 'the pools are coming'
  setText(
    byId('story', HTMLParagraphElement),
    `${story.atS} s: ${counted}, ${story.deaths} deaths, ${story.dials} dials, ${story.opened} connections, event log ${story.hash}.`
  )
}

/** A world that takes no further act says so, and its buttons are off. */
function showActs(nowS: number): void {
  // An act is done at the next second.
  const why = whyNoAct(settings, Math.ceil(nowS))
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-act]')) button.disabled = why !== undefined
  const words = byId('no-act', HTMLParagraphElement)
  words.hidden = why === undefined
  setText(words, why ?? '')
}

function showTime({ nowS, times, isPaused }: Frame): void {
  const wholeS = Math.floor(nowS)
  setText(byId('clock', HTMLElement), wholeS < 60 ? `${wholeS} s` : `${Math.floor(wholeS / 60)} min ${wholeS % 60} s`)
  setText(byId('rate', HTMLElement), isPaused ? 'paused' : rateWords(times, nowS < time.untilS ? 0 : time.speed))
}

/** What the address plans for later seconds. */
function showPlanned(nowS: number): void {
  const plan = planned(settings.acts, nowS)
  byId('plan', HTMLDivElement).hidden = plan === undefined
  setText(byId('planned', HTMLParagraphElement), plan?.words ?? '')
}

function showNow({ atS, up, withMinimum, relays, others, parts, halves, dials, hostileKnown, hostileConnected }: Look): void {
  // Pools that are still coming are no fault.
  const isFault = !isFilling(atS, broken)
  showConnected('', others, isFault)
  showConnected('relays-', relays, isFault)
  const split = byId('parts', HTMLElement)
  setText(split, String(parts))
  split.dataset.bad = String(isFault && parts > halves)
  setText(byId('dials', HTMLElement), String(dials))
  const liars = byId('liars-line', HTMLParagraphElement)
  liars.hidden = settings.liars === 0
  setText(
    liars,
    `Liars: ${(hostileKnown * 100).toFixed(1)} % of the known addresses, ${(hostileConnected * 100).toFixed(1)} % of the connections.`
  )
  canvas.setAttribute(
    'aria-label',
    `The network: ${up} pools run, ${withMinimum} have their minimum, ${parts === 1 ? 'one network' : `${parts} parts`}${halves > 1 ? ', split in two' : ''}`
  )
}

function showConnected(group: '' | 'relays-', { up, withMinimum, least, mean, most }: Connected, isFault: boolean): void {
  const enough = byId(`${group}minimum`, HTMLElement)
  setText(enough, `${withMinimum} of ${up}`)
  enough.dataset.bad = String(isFault && withMinimum < up)
  setText(byId(`${group}connections`, HTMLElement), up === 0 ? 'none' : `${least} – ${mean.toFixed(1)} – ${most}`)
}

function showBroken(look: Look): void {
  if (broken !== undefined) setText(since, brokenWords(broken, look))
  // What was clicked beyond the limit does not come.
  else if (since.textContent !== atNextSecond || whyNoAct(settings, look.atS) !== undefined) setText(since, unbrokenWords(look.atS))
}

function draw(): void {
  if (scene !== undefined && marks !== undefined) drawNetwork(canvas, scene, marks)
}

function fail(message: string): void {
  problem.hidden = false
  setText(problem, message)
}
