/** The three tabs of what the pool remembers. Only the open one is drawn, and only as many rows as were asked for. */
import type { PeerSnapshot, Point, PointSnapshot } from '../../src/core/index.ts'
import { bansPart } from './bans.ts'
import { conditionOfPeer, conditionOfPoint, surroundingsOf } from './conditions.ts'
import { byId, setAttribute, setHidden, setText } from './dom.ts'
import { knownList } from './known-list.ts'
import { peerOrders, pointOrders } from './known-order.ts'
import type { Page, Part } from './page.ts'
import { peerRow } from './peer-row.ts'
import { pointRow } from './point-row.ts'

const tabs = ['points', 'peers', 'bans'] as const
type Tab = (typeof tabs)[number]

export interface KnownPart extends Part {
  showPoint(point: Point): void
}

export function knownPart(page: Page, redraw: () => void): KnownPart {
  const tab = tabList(redraw)
  const points = knownList<PointSnapshot>('points', redraw, {
    key: (info) => info.point,
    text: (info) => `${info.point} ${info.peerId ?? ''} ${info.source ?? ''} ${info.discoverySource}`,
    orders: pointOrders,
    row: (known) => pointRow(page, known)
  })
  const peers = knownList<PeerSnapshot>('peers', redraw, {
    key: (info) => info.peerId,
    text: (info) => `${info.peerId} ${info.lastSeenPoint ?? ''}`,
    orders: peerOrders,
    row: (known) => peerRow(page, known)
  })
  const bans = bansPart(page)
  const counts = tabs.map((name) => byId(`count-${name}`, HTMLSpanElement))
  return {
    show(moment) {
      const { snapshot, now } = moment
      const around = surroundingsOf(moment)
      const { sinceMs } = around
      const sizes = [snapshot.points.length, snapshot.peers.length, snapshot.blocks.length]
      counts.forEach((count, index) => {
        setText(count, String(sizes[index]))
      })
      const open = tab.current()
      if (open === 'points') points.show(snapshot.points.map((info) => ({ info, condition: conditionOfPoint(info, around), now, sinceMs })))
      else if (open === 'peers') peers.show(snapshot.peers.map((info) => ({ info, condition: conditionOfPeer(info), now, sinceMs })))
      else bans.show(moment)
    },
    showPoint(point) {
      tab.open('points')
      points.filterBy(point)
      byId('known', HTMLElement).scrollIntoView({ block: 'start' })
      byId('filter-points', HTMLInputElement).focus({ preventScroll: true })
    }
  }
}

/** Arrow keys, Home and End move between tabs, as people who use tabs by keyboard expect; returns which one is open. */
function tabList(changed: () => void): { current(): Tab; open(tab: Tab): void } {
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
  return { current: () => open, open: (tab) => select(tabs.indexOf(tab)) }
}
