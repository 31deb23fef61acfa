/** What `p2p-pool top` shows: the band as a gauge, the connections with their rates, the last events. Pure: from facts to lines. */
import { styleText } from 'node:util'
import type { PoolEventName } from '../../src/core/values/events.ts'
import type { ConnectionSnapshot } from '../../src/core/values/snapshot.ts'
import type { ControlEvent } from './control-lines.ts'
import { eventLine, roundTrip } from './listings.ts'
import type { PeerStatus } from './peer-status.ts'
import { healthText } from './status-text.ts'
import { shownHost } from './target.ts'
import { bytes, safe, since, table } from './text-output.ts'

export interface TopRow extends ConnectionSnapshot {
  /** Bytes a second since the look before. */
  readonly receiving: number
  readonly sending: number
}

export interface TopView {
  readonly status: PeerStatus
  /** In the order that is shown. */
  readonly rows: readonly TopRow[]
  readonly sort: string
  /** Its place in `rows`. */
  readonly selected: number
  /** The newest last. */
  readonly events: readonly ControlEvent[]
  /** The answer to the last key, or a question. */
  readonly message: string
}

export interface Screen {
  readonly columns: number
  readonly rows: number
  readonly hasColors: boolean
}

/** These and the questions fit in 80 columns. */
const keys = 'up/down: select  s: sort  w: why  d: disconnect  b: ban for an hour  q: quit'
const maxEventLines = 6
/** Lines above and below the connections and events, beside sentences. */
const fixedLines = 7
/** On a screen of so many rows a sentence may have three lines. */
const roomyRows = 20
const maxSentenceLines = 3

/** A terminal that does not know its size, such as one of a container or a serial line, reports 0 columns and 0 rows. */
const usualSize = { columns: 80, rows: 24 }

/** As many lines as the screen has, none wider than it. A size of 0 is not known: 80 columns and 24 rows then. */
export function topLines(view: TopView, given: Screen): string[] {
  const { columns, rows: height } = usualSize
  const screen: Screen = { ...given, columns: given.columns || columns, rows: given.rows || height }
  const { status, rows, sort, selected, events, message } = view
  const bold = (text: string): string => (screen.hasColors ? styleText('bold', text) : text)
  // Every line passes here; what came from outside must not steer the terminal.
  const cut = (text: string): string => {
    const line = safe(text)
    return line.length > screen.columns ? `${line.slice(0, Math.max(0, screen.columns - 1))}…` : line
  }
  const paragraph = (text: string): string[] => (screen.rows < roomyRows ? [cut(text)] : wrapped(safe(text), screen.columns).map(cut))
  const { pool } = status
  const explanation = paragraph(status.explanation.text)
  const answer = paragraph(message)
  const free = screen.rows - fixedLines - explanation.length - answer.length
  const eventRows = Math.max(0, Math.min(maxEventLines, free - 4))
  const places = Math.max(1, free - eventRows)
  const first = Math.max(0, Math.min(selected - places + 1, rows.length - places))
  const [head = '', ...lines] = connectionLines(rows, screen.columns - 2)
  const shown = lines.slice(first, first + places).map((line, i) => {
    const marked = `${first + i === selected ? '>' : ' '} ${line}`
    return first + i === selected && screen.hasColors ? styleText('inverse', cut(marked)) : cut(marked)
  })
  const listed = shown.length < rows.length ? `${first + 1} to ${first + shown.length} of ${rows.length}` : `${rows.length}`
  const news = events.filter(({ type }) => !unshown.has(type)).slice(-eventRows || Number.POSITIVE_INFINITY)
  return [
    bold(cut(`${pool.peerId}  ${pool.network}  up ${since(status.startedAt)}`)),
    cut(healthText({ health: status.health, ...pool })),
    cut(gauge(status, Math.min(screen.columns, 100))),
    ...explanation,
    cut(`Connections: ${listed}, by ${sort}`),
    bold(cut(`  ${head}`)),
    ...shown,
    ...Array.from({ length: places - shown.length }, () => ''),
    '',
    ...news.map((event) => cut(fitted(eventLine(event).trimEnd().slice(11), screen.columns))),
    ...Array.from({ length: Math.max(0, eventRows - news.length) }, () => ''),
    ...answer,
    cut(keys)
  ]
}

/** Steps of an attempt whose end has an event, what the exchange does all the time, and what is on the screen already. */
const unshown: ReadonlySet<string> = new Set<PoolEventName>([
  ...(['dial-started', 'handshake-started', 'handshake-accepted', 'authentication-failed', 'new-point', 'new-peer'] as const),
  ...(['bootstrap-sent', 'bootstrap-received', 'advertise-sent', 'advertise-received', 'points-collected', 'peers-collected'] as const),
  ...(['maintenance-started', 'maintenance-ended', 'too-few-connections', 'too-many-connections'] as const)
])

/** At spaces; what does not fit into the last line is left in it, to be cut. */
function wrapped(text: string, columns: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    const longer = last === '' ? word : `${last} ${word}`
    if (longer.length <= columns || last === '' || lines.length === maxSentenceLines) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

/** With peer ids in whole, and the number of the attempt, if they fit. Of ids the last letters differ. */
function fitted(line: string, columns: number): string {
  if (line.length <= columns) return line
  return line.replace(/ (attempt|direction)=\w+/g, '').replace(/\b(?:12D3KooW|16Uiu2HA|Qm)[1-9A-HJ-NP-Za-km-z]{36,}(?=\W|$)/g, shortId)
}

function shortId(peerId: string): string {
  return peerId.length <= 9 ? peerId : `…${peerId.slice(-8)}`
}

function connectionLines(rows: readonly TopRow[], columns: number): string[] {
  const linesWith = (nameOf: (peerId: string) => string): string[] => {
    const cells = rows.map((row) => [
      nameOf(row.peerId),
      row.direction === 'incoming' ? 'in' : 'out',
      row.transport,
      roundTrip(row),
      since(row.establishedAt),
      `${bytes(row.receiving)}/s`,
      `${bytes(row.sending)}/s`,
      row.trusted ? 'trusted' : '',
      shownHost(row.host ?? '')
    ])
    const head = ['peer', 'dir', 'transport', 'rtt>', 'age>', 'receives>', 'sends>', '', 'host']
    return table(head, cells, { hasColors: false }).trimEnd().split('\n')
  }
  const whole = linesWith((peerId) => peerId)
  return whole.every(({ length }) => length <= columns) ? whole : linesWith(shortId)
}

/** `0 [####|###......|........] 100`: connections, with marks at the minimum and at what is expected. */
export function gauge({ pool: { active, band } }: Pick<PeerStatus, 'pool'>, columns: number): string {
  const end = ` ${band.max}`
  const width = Math.max(10, columns - 4 - end.length)
  const placeOf = (count: number): number => Math.round((Math.min(count, band.max) / Math.max(1, band.max)) * width)
  const cells: string[] = Array.from({ length: width }, (_, i) => (i < placeOf(active) ? '#' : '.'))
  for (const mark of [band.min, band.expected]) {
    const place = placeOf(mark)
    if (place > 0 && place < width) cells[place] = '|'
  }
  return `0 [${cells.join('')}]${end}`
}
