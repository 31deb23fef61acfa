/** One known point: its condition at a glance; why it is so, where it came from and what can be done once opened. */
import { hostOf, type PointSnapshot } from '../../src/core/index.ts'
import { type Condition, conditions } from './conditions.ts'
import { el, type Row, setAttribute, setHidden } from './dom.ts'
import { explanation } from './explanation.ts'
import { formatAgo, formatCount, formatWait, shortenIds, shortId } from './format.ts'
import type { Known } from './known-info.ts'
import { knownRow } from './known-row.ts'
import type { Page } from './page.ts'
import { mediumWords } from './sentences.ts'
import { banHost, connectPoint, forgetPoint, trustPoint, unbanHost } from './verbs.ts'
import { actionButton, fact, peerButton, pointButton } from './widgets.ts'

const dialable: ReadonlySet<Condition> = new Set(['ready', 'waiting'])

export function pointRow(page: Page, first: Known<PointSnapshot>): Row<Known<PointSnapshot>> {
  const { point } = first.info
  let current = first
  const name = shortenIds(point)
  const row = knownRow({
    ...{ testId: 'point-row', attribute: 'data-point', id: point, label: pointButton(point), name },
    details: (place) => pointDetails(page, { point, name, place, current: () => current })
  })
  const connect = actionButton('connect', () => connectPoint(page, point))
  connect.show('Connect', name)
  row.head.append(connect.element)
  return {
    element: row.element,
    update(known) {
      current = known
      const { info, condition } = known
      row.show({ ...info, condition, words: pointWords(known) })
      connect.hide(!dialable.has(condition))
    }
  }
}

interface PointDetails extends Pick<PointSnapshot, 'point'> {
  readonly name: string
  readonly place: HTMLElement
  current(): Known<PointSnapshot>
}

function pointDetails(page: Page, { point, name, place, current }: PointDetails): () => void {
  const host = hostOf(point)
  const why = explanation(page, point)
  const seen = fact('last seen')
  const failed = fact('last failure')
  const failures = fact('failures in a row')
  const source = fact('source')
  const expected = fact('must be')
  const met = el('div', { class: 'line met' })
  const trust = actionButton('trust', () => trustPoint(page, point, !current().info.trusted))
  const ban = actionButton(
    'ban',
    () => host !== undefined && (current().info.banned ? unbanHost(page, host) : banHost(page, host)),
    'danger'
  )
  const forget = actionButton('forget', () => forgetPoint(page, point))
  forget.show('Forget', name)
  // A relayed point has none; its relay is not at fault.
  ban.hide(host === undefined)
  place.append(
    why.element,
    el('dl', { class: 'facts inline' }, [seen.element, failed.element, failures.element, source.element, expected.element]),
    met,
    el('div', { class: 'actions' }, [trust.element, ban.element, forget.element])
  )
  let metPeer: string | null = null
  return () => {
    const { info, now } = current()
    why.show()
    if (metPeer !== info.peerId) met.replaceChildren(...(info.peerId === null ? [] : ['Met there:', peerButton(info.peerId)]))
    metPeer = info.peerId
    setHidden(met, info.peerId === null)
    seen.show(info.lastSeenAt === null ? 'never' : formatAgo(info.lastSeenAt, now))
    failed.show(info.lastFailureAt === null ? '' : formatAgo(info.lastFailureAt, now))
    failures.show(info.failures === 0 ? '' : String(info.failures))
    source.show(
      `${formatAgo(info.discoveredAt, now)}${info.source === null ? `, ${mediumWords(info.discoverySource)}` : ` from ${shortId(info.source)}`}`
    )
    expected.show(info.expectedPeerId === null ? '' : shortId(info.expectedPeerId))
    trust.show(info.trusted ? 'Untrust' : 'Trust', name)
    setAttribute(trust.element, 'data-action', info.trusted ? 'untrust' : 'trust')
    ban.show(info.banned ? 'Lift the ban of its host' : 'Ban its host', name)
    setAttribute(ban.element, 'data-action', info.banned ? 'unban' : 'ban')
    forget.hide(info.state !== 'disconnected')
  }
}

/** The one thing worth knowing of a point in a list. */
export function pointWords({ info, condition, now, sinceMs }: Known<PointSnapshot>): string {
  switch (condition) {
    case 'busy':
      return info.state === 'requested' ? 'dialing…' : 'agreeing…'
    case 'elsewhere':
      return `its peer ${info.peerId === null ? '' : `${shortId(info.peerId)} `}is connected another way`
    case 'foreign':
      return 'not for pages: Node peers dial it'
    case 'waiting':
      return `${info.failures > 0 ? `failed ${formatCount(info.failures, 'time')}, ` : ''}again in ${formatWait(info.backoffForMs - sinceMs)}`
    case 'ready':
      if (info.lastSeenAt !== null) return `seen ${formatAgo(info.lastSeenAt, now)}`
      return info.lastFailureAt === null ? 'not tried yet' : `failed ${formatAgo(info.lastFailureAt, now)}`
    default:
      return conditions[condition].word
  }
}
