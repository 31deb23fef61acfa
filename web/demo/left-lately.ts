/** The peers that left last, and why, in one plain sentence each. A peer that is back is taken off. */
import type { Ending, PeerId } from '../../src/core/index.ts'
import { byId, el, keyedList, type Row, setHidden, setText } from './dom.ts'
import { formatAgo } from './format.ts'
import { leftWords } from './left-words.ts'
import type { Moment, Page, Part } from './page.ts'
import { peerTitle } from './peer-title.ts'
import { peerButton } from './widgets.ts'

/** The oldest goes first. */
const maxRows = 4
/** Then nobody asks any more why it left. */
const forMs = 600_000

interface Left {
  readonly peerId: PeerId
  readonly ending: Ending
  /** Wall clock, ms. */
  readonly at: number
}

/** Listens from now on. */
export function leftLatelyPart(page: Page, redraw: () => void): Part {
  const box = byId('left-lately', HTMLDivElement)
  let left: readonly Left[] = []
  for (const name of ['connection-closed', 'connection-lost'] as const) {
    page.pool.addEventListener(name, ({ detail: { peerId, ending }, at }) => {
      left = [{ peerId, ending, at }, ...left.filter((one) => one.peerId !== peerId)].slice(0, 2 * maxRows)
      redraw()
    })
  }
  const list = keyedList<Left & Moment>(byId('left-lately-list', HTMLUListElement), {
    key: ({ peerId, at }) => `${peerId} ${at}`,
    create: (one) => leftRow(page, one)
  })
  return {
    show(moment) {
      const { snapshot, now } = moment
      const isBack = new Set(snapshot.connections.map(({ peerId }) => peerId))
      // A peer that the person sent away has a row of its own, with a way back.
      const shown = left.filter(({ peerId, at, ending }) => !isBack.has(peerId) && now - at < forMs && !isByHand(ending)).slice(0, maxRows)
      list.show(shown.map((one) => ({ ...one, ...moment })))
      setHidden(box, shown.length === 0)
    }
  }
}

function isByHand({ by, reason }: Ending): boolean {
  return by === 'us' && reason.kind === 'explicit'
}

function leftRow(page: Page, { peerId, ending, at }: Left): Row<Left & Moment> {
  const title = peerTitle(page, peerId)
  const ago = el('span', { class: 'quiet small' })
  const element = el('li', { class: 'row', 'data-testid': 'left-lately-row', 'data-peer': peerId }, [
    el('div', { class: 'line left-lately' }, [peerButton(peerId), title.element, ago]),
    el('p', { class: 'small' }, [leftWords(ending)])
  ])
  return {
    element,
    update({ now }) {
      title.show()
      setText(ago, formatAgo(at, now))
    }
  }
}
