/** The three tabs of what the pool remembers. Only the open one is drawn, and only as many rows as were asked for. */
import type { PeerSnapshot, PointSnapshot } from '../../src/core/index.ts'
import { bansPart } from './bans.ts'
import { byId, keyedList, type Row, setAttribute, setHidden, setText } from './dom.ts'
import { formatCount } from './format.ts'
import type { Known } from './known-info.ts'
import type { Moment, Page, Part } from './page.ts'
import { peerRow } from './peer-row.ts'
import { pointRow } from './point-row.ts'

const tabs = ['points', 'peers', 'bans'] as const
type Tab = (typeof tabs)[number]

/** Rows drawn at first, and added by each press of "more". */
const rowsAtOnce = 12

export function knownPart(page: Page, redraw: () => void): Part {
  const open = tabList(redraw)
  const points = longList<PointSnapshot>('points', redraw, {
    key: (info) => info.point,
    text: (info) => `${info.point} ${info.peerId ?? ''} ${info.state}`,
    before: comparePoints,
    row: (info) => pointRow(page, info)
  })
  const peers = longList<PeerSnapshot>('peers', redraw, {
    key: (info) => info.peerId,
    text: (info) => `${info.peerId} ${info.lastSeenPoint ?? ''} ${info.state}`,
    before: comparePeers,
    row: (info) => peerRow(page, info)
  })
  const bans = bansPart(page)
  const counts = tabs.map((tab) => byId(`count-${tab}`, HTMLSpanElement))
  return {
    show(moment) {
      const { snapshot } = moment
      const banned = snapshot.bannedPeers.length + snapshot.bannedHosts.length
      const sizes = [
        snapshot.points.length,
        snapshot.peers.length,
        banned + snapshot.greylistedPeers.length + snapshot.greylistedHosts.length
      ]
      counts.forEach((count, index) => {
        setText(count, String(sizes[index]))
      })
      if (open() === 'points') points(snapshot.points, moment)
      else if (open() === 'peers') peers(snapshot.peers, moment)
      else bans.show(moment)
    }
  }
}

const stateOrder = { running: 0, accepted: 1, requested: 2, disconnected: 3 }

/** Connected first, then those in progress, then the ones seen last. */
export function comparePoints(a: PointSnapshot, b: PointSnapshot): number {
  return (
    stateOrder[a.state] - stateOrder[b.state] ||
    (b.lastSeenAt ?? 0) - (a.lastSeenAt ?? 0) ||
    b.discoveredAt - a.discoveredAt ||
    compareText(a.point, b.point)
  )
}

export function comparePeers(a: PeerSnapshot, b: PeerSnapshot): number {
  return stateOrder[a.state] - stateOrder[b.state] || (b.lastSeenAt ?? 0) - (a.lastSeenAt ?? 0) || compareText(a.peerId, b.peerId)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

interface LongList<Info> {
  key(info: Info): string
  /** What the filter looks in. */
  text(info: Info): string
  before(a: Info, b: Info): number
  row(info: Info): Row<Known<Info>>
}

function longList<Info>(
  name: 'points' | 'peers',
  redraw: () => void,
  { key, text, before, row }: LongList<Info>
): (infos: readonly Info[], moment: Moment) => void {
  const filter = byId(`filter-${name}`, HTMLInputElement)
  const empty = byId(`${name}-empty`, HTMLParagraphElement)
  const more = byId(`more-${name}`, HTMLButtonElement)
  const whenEmpty = empty.textContent ?? ''
  const list = keyedList<Known<Info>>(byId(name === 'points' ? 'point-list' : 'peer-list', HTMLUListElement), {
    key: ({ info }) => key(info),
    create: ({ info }) => row(info)
  })
  let shown = rowsAtOnce
  filter.addEventListener('input', () => {
    shown = rowsAtOnce
    redraw()
  })
  more.addEventListener('click', () => {
    shown += rowsAtOnce
    redraw()
  })
  return (infos, { now, snapshot }) => {
    const wanted = filter.value.trim().toLowerCase()
    const found = wanted === '' ? [...infos] : infos.filter((info) => text(info).toLowerCase().includes(wanted))
    found.sort(before)
    list.show(found.slice(0, shown).map((info) => ({ info, now, takenAt: snapshot.takenAt })))
    setHidden(filter, infos.length === 0)
    setHidden(empty, found.length > 0)
    setText(empty, infos.length === 0 ? whenEmpty : `None of ${formatCount(infos.length, name.slice(0, -1))} matches.`)
    setHidden(more, found.length <= shown)
    setText(more, `Show ${Math.min(rowsAtOnce, found.length - shown)} more of ${found.length}`)
  }
}

/** Arrow keys, Home and End move between tabs, as people who use tabs by keyboard expect; returns which one is open. */
function tabList(changed: () => void): () => Tab {
  let open: Tab = 'points'
  const buttons = tabs.map((tab) => byId(`tab-${tab}`, HTMLButtonElement))
  const select = (index: number) => {
    open = tabs[index] ?? open
    tabs.forEach((tab, other) => {
      const selected = tab === open
      const button = buttons[other]
      if (button === undefined) return
      setAttribute(button, 'aria-selected', String(selected))
      setAttribute(button, 'tabindex', selected ? '0' : '-1')
      setHidden(byId(`panel-${tab}`, HTMLDivElement), !selected)
    })
    changed()
  }
  buttons.forEach((button, index) => {
    button.addEventListener('click', () => select(index))
    button.addEventListener('keydown', (event) => {
      const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: tabs.length - 1 }[event.key]
      if (to === undefined) return
      event.preventDefault()
      const next = (to + tabs.length) % tabs.length
      select(next)
      buttons[next]?.focus()
    })
  })
  return () => open
}
