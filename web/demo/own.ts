/** Who this page is on the network, and where others can reach it. */
import { hostOf, type Point } from '../../src/core/index.ts'
import { byId, el, keyedList, setAttribute, setHidden, setText } from './dom.ts'
import { shortId } from './format.ts'
import { identicon } from './identicon.ts'
import type { Page, Part } from './page.ts'
import { hasWebRtc, idIn, reachWords, watchReservations } from './reservations.ts'
import type { DemoSettings } from './settings.ts'
import { pointButton } from './widgets.ts'

/** A page behind several relays has many addresses; the first ones are enough to be found. */
const pointsAtFirst = 3

export function ownPart({ pool }: Pick<Page, 'pool'>, { trustedPoints }: Pick<DemoSettings, 'trustedPoints'>, redraw: () => void): Part {
  const picture = byId('own-picture', HTMLSpanElement)
  const short = byId('own-short', HTMLParagraphElement)
  const full = byId('own-id', HTMLElement)
  const copy = byId('own-copy', HTMLButtonElement)
  const reach = byId('own-reach', HTMLParagraphElement)
  const reachText = byId('own-reach-text', HTMLSpanElement)
  const reservationsLeft = watchReservations(redraw)
  const relays = trustedPoints.map(idIn).filter((relay) => relay !== undefined)
  const points = keyedList<Point>(byId('own-points', HTMLUListElement), {
    key: (point) => point,
    create: (point) => ({ element: ownPoint(point), update: () => undefined })
  })
  const more = byId('own-more', HTMLButtonElement)
  let all = false
  more.addEventListener('click', () => {
    all = !all
    redraw()
  })
  return {
    show({ snapshot }) {
      const { peerId, ownPoints, status } = snapshot
      if (full.textContent !== peerId) picture.replaceChildren(identicon(peerId))
      setText(short, shortId(peerId))
      setText(full, peerId)
      setAttribute(copy, 'data-copy', peerId)
      setHidden(copy, false)
      const ordered = [...ownPoints].sort((a, b) => Number(isDirect(b)) - Number(isDirect(a)))
      points.show(all ? ordered : ordered.slice(0, pointsAtFirst))
      setHidden(more, ownPoints.length <= pointsAtFirst)
      setText(more, all ? 'Show fewer' : `Show all ${ownPoints.length}`)
      const left = reservationsLeft(snapshot)
      const { text, busy } = reachWords({ ...snapshot, relays, status: pool.owned?.relays, left })
      setText(reachText, text)
      setAttribute(reach, 'data-busy', busy)
      setHidden(reach, !hasWebRtc() || status === 'stopped' || status === 'destroyed')
      setHidden(byId('no-webrtc', HTMLDivElement), hasWebRtc())
      setHidden(byId('own-unreachable', HTMLParagraphElement), hasWebRtc())
    }
  }
}

/** WebRTC leads to a direct connection; a purely relayed one is the way to set it up. */
function isDirect(point: Point): boolean {
  return hostOf(point) !== undefined || point.includes('/webrtc')
}

function ownPoint(point: Point): HTMLElement {
  const copy = el(
    'button',
    { type: 'button', class: 'plain', 'data-action': 'copy', 'data-copy': point, 'aria-label': 'Copy this address' },
    ['Copy']
  )
  return el('li', { class: 'copy-line', 'data-testid': 'own-point', 'data-point': point }, [pointButton(point), copy])
}
