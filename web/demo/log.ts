/**
 * The log of what happens, newest first, to be filtered and held still. It shows the news: who came and went, bans, the band, storage.
 * "All events" shows every event of the pool, retries and exchanges too.
 */
import type { PoolSnapshot } from '../../src/core/index.ts'
import { byId, el, keyedList, type Row, setAttribute, setHidden, setText } from './dom.ts'
import { formatClock, formatCount } from './format.ts'
import { type Entry, withEntry } from './log-entries.ts'
import type { Page, Part } from './page.ts'
import { bandNews, isNews, plainText, type Sentence, type ShownEventName, shownEvents, tellEvent } from './sentences.ts'
import { pieceNodes } from './widgets.ts'

/** A line about something that is no event of the pool. */
export interface Note {
  /** As an event's, for the filter. */
  readonly name: string
  readonly text: string
  /** Wall clock, ms. */
  readonly at: number
}

export interface LogPart extends Part {
  note(note: Note): void
}

/** Listens from now on; `redraw` is asked for when something new is to be shown. */
export function logPart({ pool }: Pick<Page, 'pool'>, redraw: () => void): LogPart {
  const filter = byId('log-filter', HTMLInputElement)
  const pause = byId('log-pause', HTMLButtonElement)
  const everything = byId('log-all', HTMLButtonElement)
  const empty = byId('log-empty', HTMLParagraphElement)
  const list = keyedList<Entry>(byId('log-list', HTMLOListElement), {
    key: (entry) => String(entry.id),
    create: (entry) => entryRow(entry)
  })
  let lists: { readonly news: readonly Entry[]; readonly all: readonly Entry[] } = { news: [], all: [] }
  let held: { readonly lists: typeof lists; readonly counts: { readonly news: number; readonly all: number } } | undefined
  let counts = { news: 0, all: 0 }
  let ids = 0
  let which: 'news' | 'all' = 'news'

  const add = ({ name, sentence, at, news }: { name: string; sentence: Sentence; at: number; news: boolean }) => {
    ids += 1
    const text = `${name} ${plainText(sentence)}`.toLowerCase()
    const happening = { name, at, sentence, fold: text, text }
    lists = { news: news ? withEntry(lists.news, happening, ids) : lists.news, all: withEntry(lists.all, happening, ids) }
    counts = { news: counts.news + (news ? 1 : 0), all: counts.all + 1 }
    redraw()
  }
  const hear = <Name extends ShownEventName>(name: Name) => {
    pool.addEventListener(name, ({ detail, at }) => add({ name, sentence: tellEvent(name, detail), at, news: isNews(name) }))
  }
  for (const name of shownEvents) hear(name)
  let before: PoolSnapshot | undefined
  pool.addEventListener('change', () => {
    const snapshot = pool.snapshot()
    if (snapshot === undefined) return
    const news = bandNews(before, snapshot)
    before = snapshot
    if (news !== undefined) add({ ...news, at: Date.now(), news: true })
  })

  filter.addEventListener('input', redraw)
  pause.addEventListener('click', () => {
    held = held === undefined ? { lists, counts } : undefined
    setAttribute(pause, 'aria-pressed', String(held !== undefined))
    redraw()
  })
  everything.addEventListener('click', () => {
    which = which === 'news' ? 'all' : 'news'
    setAttribute(everything, 'aria-pressed', String(which === 'all'))
    redraw()
  })
  return {
    note: ({ name, text, at }) => add({ name, sentence: { tone: 'plain', pieces: [text] }, at, news: true }),
    show() {
      const entries = (held?.lists ?? lists)[which]
      const wanted = filter.value.trim().toLowerCase()
      const shown = entries.filter(({ text }) => wanted === '' || text.includes(wanted))
      list.show(shown)
      setHidden(empty, shown.length > 0)
      setText(
        empty,
        entries.length === 0 ? 'News appears here, the newest first.' : `None of the last ${formatCount(entries.length, 'line')} matches.`
      )
      const unseen = held === undefined ? 0 : counts[which] - held.counts[which]
      setText(pause, held === undefined ? 'Pause' : `Resume${unseen === 0 ? '' : ` (${unseen} new)`}`)
    }
  }
}

function entryRow({ name, sentence }: Entry): Row<Entry> {
  const who = sentence.pieces.find((piece) => typeof piece === 'object' && 'peerId' in piece)
  const peer = typeof who === 'object' && 'peerId' in who ? who.peerId : undefined
  const time = el('time')
  const times = el('span', { class: 'times' })
  const element = el('li', { class: `entry ${sentence.tone}`, 'data-testid': 'event-row', 'data-event': name, 'data-peer': peer }, [
    time,
    el('span', { class: 'sentence' }, [...pieceNodes(sentence.pieces), times])
  ])
  return {
    element,
    update({ at, firstAt, count }) {
      setText(time, formatClock(at))
      setAttribute(time, 'datetime', new Date(at).toISOString())
      setText(times, count === 1 ? '' : ` (${count} times since ${formatClock(firstAt)})`)
    }
  }
}
