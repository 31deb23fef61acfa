/** What `p2p-pool top` shows: the band as a gauge, the connections with their rates, the last events. Pure: from facts to lines. */
import { styleText } from 'node:util'
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
/** Lines above and below the connections and events. */
const fixedLines = 9

/** As many lines as the screen has, none wider than it. */
export function topLines(view: TopView, screen: Screen): string[] {
  const { status, rows, sort, selected, events, message } = view
  const bold = (text: string): string => (screen.hasColors ? styleText('bold', text) : text)
  // Every line passes here; what came from outside must not steer the terminal.
  const cut = (text: string): string => {
    const line = safe(text)
    return line.length > screen.columns ? `${line.slice(0, Math.max(0, screen.columns - 1))}…` : line
  }
  const eventRows = Math.max(0, Math.min(maxEventLines, screen.rows - fixedLines - 4))
  const places = Math.max(1, screen.rows - fixedLines - eventRows)
  const first = Math.max(0, Math.min(selected - places + 1, rows.length - places))
  const [head = '', ...lines] = connectionLines(rows)
  const shown = lines.slice(first, first + places).map((line, i) => {
    const marked = `${first + i === selected ? '>' : ' '} ${line}`
    return first + i === selected && screen.hasColors ? styleText('inverse', cut(marked)) : cut(marked)
  })
  const { pool } = status
  return [
    bold(cut(`${pool.peerId}  ${pool.network}  up ${since(status.startedAt)}`)),
    cut(healthText({ health: status.health, ...pool })),
    cut(gauge(status, Math.min(screen.columns, 100))),
    cut(status.explanation.text),
    '',
    bold(cut(`  ${head}  (by ${sort})`)),
    ...shown,
    ...Array.from({ length: places - shown.length }, () => ''),
    '',
    ...events.slice(-eventRows || events.length).map((event) => cut(eventLine(event).trimEnd().slice(11))),
    ...Array.from({ length: Math.max(0, eventRows - events.length) }, () => ''),
    cut(message),
    cut(keys)
  ]
}

function connectionLines(rows: readonly TopRow[]): string[] {
  const cells = rows.map((row) => [
    row.peerId,
    row.direction === 'incoming' ? 'in' : 'out',
    row.transport,
    roundTrip(row),
    since(row.establishedAt),
    `${bytes(row.receiving)}/s`,
    `${bytes(row.sending)}/s`,
    shownHost(row.host ?? ''),
    row.trusted ? 'trusted' : ''
  ])
  return table(['peer', 'dir', 'transport', 'rtt>', 'age>', 'receives>', 'sends>', 'host', ''], cells, { hasColors: false })
    .trimEnd()
    .split('\n')
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
