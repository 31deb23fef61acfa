/** How many connections there are, drawn against the band that maintenance keeps. */
import type { BandExplanation, MaintenanceBounds, PoolSnapshot } from '../../src/core/index.ts'
import { byId, el, setAttribute, setText } from './dom.ts'
import { askedAtTimes, asSentence } from './explanation.ts'
import { formatCount, formatWait } from './format.ts'
import type { Page, Part } from './page.ts'
import { isOffline } from './status.ts'

/** Up to so many places each is drawn as a cell of its own; beyond, cells would be thinner than their gaps on a phone. */
const maxCells = 24

/** Distance between two labels, % of the gauge, below which they would touch at 360 px. */
const labelGap = 19

export function gaugePart({ pool }: Pick<Page, 'pool'>): Part {
  const gauge = byId('gauge', HTMLDivElement)
  const active = byId('active', HTMLSpanElement)
  const words = byId('active-words', HTMLSpanElement)
  const state = byId('band-state', HTMLParagraphElement)
  const rule = byId('band-rule', HTMLParagraphElement)
  const doing = maintenanceWords(pool, byId('band-doing', HTMLParagraphElement))
  let drawing: { readonly of: string; fill(snapshot: PoolSnapshot): void } | undefined
  return {
    show({ snapshot }) {
      const { band, bounds } = snapshot
      const of = [band.min, band.expected, band.max].join('/')
      if (drawing?.of !== of) drawing = { of, fill: draw(gauge, snapshot) }
      drawing.fill(snapshot)
      const { tone, text } = isOffline(snapshot) ? offlineState : bandState(snapshot.status, doing.said())
      setText(active, String(snapshot.active))
      setText(words, `of at most ${band.max}${attemptWords(snapshot)}`)
      setText(state, text)
      setAttribute(state, 'data-tone', tone)
      doing.show()
      setAttribute(gauge, 'data-tone', tone)
      setAttribute(
        gauge,
        'aria-label',
        `${formatCount(snapshot.active, 'connection')}; minimum ${band.min}, expected ${band.expected}, maximum ${band.max}. ${text}`
      )
      setText(rule, ruleWords(bounds))
    }
  }
}

const offlineState = { tone: 'none', text: 'Offline: it waits for the network.' } as const

interface MaintenanceWords {
  /** What the pool said last. */
  readonly said: () => BandExplanation | undefined
  /** Asks again. */
  readonly show: () => void
}

/** What maintenance does now and why, in the pool's own words; when it looks again by itself. */
function maintenanceWords(pool: Page['pool'], element: HTMLElement): MaintenanceWords {
  let said: BandExplanation | undefined
  const ask = async () => {
    said = await pool.explainBand()
    const { step, text, nextLookInMs } = said
    const next = step !== 'content' || nextLookInMs === undefined ? '' : ` The next look is in ${formatWait(nextLookInMs)} at the latest.`
    setText(element, `${asSentence(plainNeed(text))}${next}`)
  }
  // What the pool does not say is not shown; that it is stopped is said already.
  return { said: () => said, show: askedAtTimes(ask, () => setText(element, '')) }
}

/** A lone visitor reads this first: what the pool calls a missing kind, in words that say what to do. */
export function plainNeed(text: string): string {
  const [have, missing] = text.split(', but it needs a page: no point of one can be dialed')
  return missing === undefined || have === undefined
    ? text
    : `${have}. One place is kept for another page: open this address in a second browser`
}

type BandWords = { readonly tone: 'good' | 'low' | 'high' | 'none'; readonly text: string }

/** The headline of what the pool says: of the same answer as the sentence below it, so that the two agree. */
export function bandState(status: PoolSnapshot['status'], said: BandSaid | undefined): BandWords {
  if (status === 'created' || status === 'starting') return { tone: 'none', text: 'Starting.' }
  if (status === 'suspended') return { tone: 'none', text: 'Asleep: it keeps what its smaller band allows.' }
  if (status !== 'running') return { tone: 'none', text: 'The pool is not running.' }
  if (said === undefined) return { tone: 'none', text: '' }
  const { step, active, bounds } = said
  if (step === 'trimming') return { tone: 'high', text: 'Too many: closing some.' }
  if (step === 'content')
    return active > bounds.maxTarget ? { tone: 'high', text: 'More than the band: they stay.' } : { tone: 'good', text: 'Inside the band.' }
  if (step === 'suspended' || step === 'stopped') return { tone: 'none', text: '' }
  if (active >= bounds.minTarget) return { tone: 'good', text: 'Inside the band, with room for some more.' }
  return { tone: 'low', text: tooFew[step] }
}

/** What of an answer the headline needs. */
type BandSaid = Pick<BandExplanation, 'step' | 'active' | 'bounds'>

const tooFew = {
  filling: 'Too few: dialing.',
  searching: 'Too few: looking for more peers.',
  waiting: 'Too few: waiting.',
  probing: 'No peer can be reached: trying one at a time.'
} as const

/** What maintenance does at which number. In a narrow band some of its bounds are one. */
export function ruleWords({ minThreshold, aim, maxTarget, maxThreshold }: MaintenanceBounds): string {
  const haste = minThreshold < aim ? `, without pause below ${minThreshold}` : ''
  const above =
    maxTarget < maxThreshold
      ? `above ${maxTarget} it closes connections one by one, above ${maxThreshold} at once`
      : `above ${maxThreshold} it closes some that are not trusted`
  return `Below ${aim} the pool looks for peers${haste}; ${above}.`
}

function attemptWords({ outgoingAttempts, incomingHandshakes }: PoolSnapshot): string {
  const attempts = outgoingAttempts + incomingHandshakes
  return attempts === 0 ? '' : ` · ${attempts} in progress`
}

/** Builds the picture for one band; returns what fills it. */
function draw(gauge: HTMLElement, { band, bounds }: PoolSnapshot): (snapshot: PoolSnapshot) => void {
  const percent = (value: number) => (band.max === 0 ? 0 : (100 * value) / band.max)
  const zones = el('div', { class: 'zones' }, [
    zone('low', 0, percent(bounds.minTarget)),
    zone('good', percent(bounds.minTarget), percent(bounds.maxTarget)),
    zone('high', percent(bounds.maxTarget), 100)
  ])
  const track = el('div', { class: 'track' })
  const marks = el('div', { class: 'marks' }, marksOf(band, percent))
  gauge.replaceChildren(track, zones, marks)
  if (band.max <= maxCells) {
    const cells = Array.from({ length: band.max }, () => el('span', { class: 'cell' }))
    track.append(...cells)
    return ({ active, outgoingAttempts }) => {
      cells.forEach((cell, index) => {
        setAttribute(cell, 'data-state', index < active ? 'active' : index < active + outgoingAttempts ? 'attempt' : 'free')
      })
    }
  }
  const bar = el('span', { class: 'bar' })
  const attempts = el('span', { class: 'bar attempt' })
  track.classList.add('whole')
  track.append(attempts, bar)
  return ({ active, outgoingAttempts }) => {
    bar.style.width = `${Math.min(100, percent(active))}%`
    attempts.style.width = `${Math.min(100, percent(active + outgoingAttempts))}%`
  }
}

function zone(kind: string, from: number, to: number): HTMLElement {
  const element = el('span', { class: `zone ${kind}` })
  element.style.left = `${from}%`
  element.style.width = `${to - from}%`
  return element
}

/** The ticks stand where they belong; a label moves aside when the next one needs the place. */
function marksOf(band: PoolSnapshot['band'], percent: (value: number) => number): HTMLElement[] {
  const max = 100 - labelGap / 2 + 2
  const expected = Math.min(Math.max(percent(band.expected), 4 + labelGap), max - labelGap)
  const min = Math.max(4, Math.min(percent(band.min), expected - labelGap))
  return [
    mark('min', band.min, percent(band.min), min),
    mark('expected', band.expected, percent(band.expected), expected),
    mark('max', band.max, 100, max)
  ]
}

function mark(word: string, value: number, tickAt: number, labelAt: number): HTMLElement {
  const tick = el('span', { class: 'tick' })
  tick.style.left = `${tickAt}%`
  const label = el('span', { class: 'label' }, [el('b', {}, [String(value)]), ` ${word}`])
  label.style.left = `${labelAt}%`
  return el('span', { class: 'mark' }, [tick, label])
}
