/** The log of what happens: every event of the pool in a sentence, newest first, to be filtered and held still. */
import { byId, el, keyedList, setAttribute, setHidden, setText } from './dom.ts'
import { formatClock, formatCount } from './format.ts'
import type { Page, Part } from './page.ts'
import { plainText, type Sentence, type ToldEventName, tellEvent, toldEvents } from './sentences.ts'
import { pieceNodes } from './widgets.ts'

/** The oldest goes first. */
const maxEntries = 200

interface Entry {
  readonly id: number
  readonly name: ToldEventName
  readonly at: number
  readonly sentence: Sentence
  /** Lower case, full ids: what the filter looks in. */
  readonly text: string
}

/** Listens from now on; `redraw` is asked for when something new is to be shown. */
export function logPart({ pool }: Pick<Page, 'pool'>, redraw: () => void): Part {
  const filter = byId('log-filter', HTMLInputElement)
  const pause = byId('log-pause', HTMLButtonElement)
  const empty = byId('log-empty', HTMLParagraphElement)
  const list = keyedList<Entry>(byId('log-list', HTMLOListElement), {
    key: (entry) => String(entry.id),
    create: (entry) => ({ element: entryRow(entry), update: () => undefined })
  })
  let entries: readonly Entry[] = []
  let held: readonly Entry[] | undefined
  let count = 0

  const hear = <Name extends ToldEventName>(name: Name) => {
    pool.addEventListener(name, ({ detail, at }) => {
      const sentence = tellEvent(name, detail)
      count += 1
      entries = [
        { id: count, name, at, sentence, text: `${name} ${plainText(sentence)}`.toLowerCase() },
        ...entries.slice(0, maxEntries - 1)
      ]
      redraw()
    })
  }
  for (const name of toldEvents) hear(name)

  filter.addEventListener('input', redraw)
  pause.addEventListener('click', () => {
    held = held === undefined ? entries : undefined
    setAttribute(pause, 'aria-pressed', String(held !== undefined))
    redraw()
  })
  return {
    show() {
      const wanted = filter.value.trim().toLowerCase()
      const shown = (held ?? entries).filter(({ text }) => wanted === '' || text.includes(wanted))
      list.show(shown)
      setHidden(empty, shown.length > 0)
      setText(
        empty,
        entries.length === 0 ? 'Events appear here, the newest first.' : `None of the last ${formatCount(entries.length, 'event')} matches.`
      )
      setText(pause, held === undefined ? 'Pause' : `Resume${missed(held, count)}`)
    }
  }
}

function missed(held: readonly Entry[], count: number): string {
  const more = count - (held[0]?.id ?? 0)
  return more === 0 ? '' : ` (${more} new)`
}

function entryRow({ name, at, sentence }: Entry): HTMLElement {
  const who = sentence.pieces.find((piece) => typeof piece === 'object' && 'peerId' in piece)
  const peer = typeof who === 'object' && 'peerId' in who ? who.peerId : undefined
  return el('li', { class: `entry ${sentence.tone}`, 'data-testid': 'event-row', 'data-event': name, 'data-peer': peer }, [
    el('time', { datetime: new Date(at).toISOString() }, [formatClock(at)]),
    el('span', { class: 'sentence' }, pieceNodes(sentence.pieces))
  ])
}
