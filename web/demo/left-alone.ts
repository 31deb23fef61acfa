/**
 * The peers that the person disconnected here: how long the pool leaves each alone, and a way to have it back at once. Forgotten when the
 * peer is connected again or its wait is over.
 */
import type { PeerId } from '../../src/core/index.ts'
import { pointOf } from './dial-text.ts'
import { byId, el, keyedList, type Row, setHidden, setText } from './dom.ts'
import { askedAtTimes } from './explanation.ts'
import { formatClock, formatWait, shortId } from './format.ts'
import type { Moment, Page, Part } from './page.ts'
import { connectPoint } from './verbs.ts'
import { actionButton, peerButton } from './widgets.ts'

/** The oldest goes first. */
const maxRows = 8
/** A wait that the pool does not name is over by then, ms. */
const longestMs = 120_000

interface LeftPeer {
  readonly peerId: PeerId
  readonly at: number
}

export interface LeftAlonePart extends Part {
  add(peerId: PeerId): void
}

export function leftAlonePart(page: () => Page, redraw: () => void): LeftAlonePart {
  const box = byId('left-alone', HTMLDivElement)
  let left: readonly LeftPeer[] = []
  const forget = (peerId: PeerId) => {
    left = left.filter((one) => one.peerId !== peerId)
  }
  const list = keyedList<LeftPeer & Moment>(byId('left-alone-list', HTMLUListElement), {
    key: ({ peerId, at }) => `${peerId} ${at}`,
    create: ({ peerId }) => leftRow(page(), peerId, () => forget(peerId))
  })
  return {
    add(peerId) {
      forget(peerId)
      left = [...left.slice(1 - maxRows), { peerId, at: Date.now() }]
      redraw()
    },
    show(moment) {
      const { snapshot, now } = moment
      const isBack = (peerId: PeerId) => snapshot.connections.some((one) => one.peerId === peerId)
      left = left.filter(({ peerId, at }) => now - at < longestMs && (now - at < 1_000 || !isBack(peerId)))
      const shown = left.filter(({ peerId }) => !isBack(peerId) && !snapshot.bannedPeers.includes(peerId))
      list.show(shown.map((one) => ({ ...one, ...moment })))
      setHidden(box, shown.length === 0)
    }
  }
}

function leftRow(page: Page, peerId: PeerId, over: () => void): Row<LeftPeer & Moment> {
  const words = el('span', { class: 'small' })
  let current: (LeftPeer & Moment) | undefined
  const connect = actionButton('connect', () => {
    const point = current === undefined ? undefined : pointOf(current.snapshot, peerId)
    if (point !== undefined) connectPoint(page, point)
  })
  connect.show('Connect now', shortId(peerId))
  const ask = askedAtTimes(
    async () => {
      const { state, nextTryInMs } = await page.pool.explain(peerId)
      if (state === 'ready') over()
      if (current !== undefined) setText(words, leftWords({ at: current.at, nextTryInMs, now: Date.now() }))
    },
    () => undefined
  )
  const element = el('li', { class: 'row', 'data-testid': 'left-alone-row', 'data-peer': peerId }, [
    el('div', { class: 'line left-alone' }, [peerButton(peerId), words, connect.element])
  ])
  return {
    element,
    update(shown) {
      current = shown
      connect.hide(pointOf(shown.snapshot, peerId) === undefined)
      ask()
    }
  }
}

/** `nextTryInMs`: the pool does not dial it before; none: only the peer itself can come. */
export function leftWords({ at, nextTryInMs, now }: { at: number; nextTryInMs: number | undefined; now: number }): string {
  const who = `You disconnected it at ${formatClock(at)}.`
  if (nextTryInMs === undefined) return `${who} It was asked to stay away for about a minute.`
  return `${who} The pool leaves it alone until ${formatClock(now + nextTryInMs)} (${formatWait(nextTryInMs)}).`
}
