/** One known point: its state at a glance; where it came from, how it failed and what can be done once opened. */
import { hostOf, type PointSnapshot } from '../../src/core/index.ts'
import { el, type Row, setAttribute, setHidden } from './dom.ts'
import { formatAgo, formatCount, formatWait, shortenIds, shortId } from './format.ts'
import type { Known } from './known-info.ts'
import { knownRow } from './known-row.ts'
import type { Page } from './page.ts'
import { mediumWords } from './sentences.ts'
import { banHost, connectPoint, forgetPoint, trustPoint, unbanHost } from './verbs.ts'
import { actionButton, fact, peerButton, pointButton } from './widgets.ts'

export function pointRow(page: Page, { point }: PointSnapshot): Row<Known<PointSnapshot>> {
  let current: PointSnapshot | undefined
  const host = hostOf(point)
  const name = shortenIds(point)
  const row = knownRow({ testId: 'point-row', attribute: 'data-point', id: point, label: pointButton(point), name })
  const seen = fact('last seen')
  const missed = fact('last miss')
  const failures = fact('failures in a row')
  const source = fact('heard of')
  const expected = fact('must be')
  const peer = el('div', { class: 'line met' })
  const connect = actionButton('connect', () => connectPoint(page, point))
  const trust = actionButton('trust', () => trustPoint(page, point, !current?.trusted))
  const ban = actionButton('ban', () => host !== undefined && (current?.banned ? unbanHost(page, host) : banHost(page, host)), 'danger')
  const forget = actionButton('forget', () => forgetPoint(page, point))
  connect.show('Connect', name)
  forget.show('Forget', name)
  // A relayed point has none; its relay is not at fault.
  ban.hide(host === undefined)
  row.details.append(
    el('dl', { class: 'facts inline' }, [seen.element, missed.element, failures.element, source.element, expected.element]),
    peer,
    el('div', { class: 'actions' }, [trust.element, ban.element, forget.element])
  )
  row.head.append(connect.element)

  return {
    element: row.element,
    update({ info, now, takenAt }) {
      if (current?.peerId !== info.peerId) peer.replaceChildren(...(info.peerId === null ? [] : ['Met there:', peerButton(info.peerId)]))
      setHidden(peer, info.peerId === null)
      current = info
      row.show({
        state: info.state,
        words: pointWords(info, { now, takenAt }),
        trusted: info.trusted,
        banned: info.banned,
        greylisted: info.greylisted
      })
      seen.show(info.lastSeenAt === null ? 'never' : formatAgo(info.lastSeenAt, now))
      missed.show(info.lastMissAt === null ? '' : formatAgo(info.lastMissAt, now))
      failures.show(info.failures === 0 ? '' : String(info.failures))
      source.show(
        `${formatAgo(info.discoveredAt, now)}${info.source === null ? `, ${mediumWords(info.medium)}` : ` from ${shortId(info.source)}`}`
      )
      expected.show(info.expectedPeerId === null ? '' : shortId(info.expectedPeerId))
      connect.hide(info.state !== 'disconnected' || info.banned)
      trust.show(info.trusted ? 'Untrust' : 'Trust', name)
      setAttribute(trust.element, 'data-action', info.trusted ? 'untrust' : 'trust')
      ban.show(info.banned ? 'Lift the ban of its host' : 'Ban its host', name)
      setAttribute(ban.element, 'data-action', info.banned ? 'unban' : 'ban')
      forget.hide(info.state !== 'disconnected')
    }
  }
}

/** The one thing worth knowing of a point in a list. */
export function pointWords(info: PointSnapshot, { now, takenAt }: { readonly now: number; readonly takenAt: number }): string {
  if (info.state === 'running') return 'connected'
  if (info.state === 'requested') return 'dialing…'
  if (info.state === 'accepted') return 'agreeing…'
  if (info.banned) return 'banned'
  const barredForMs = info.barredForMs - (now - takenAt)
  if (barredForMs > 0)
    return `${info.failures > 0 ? `failed ${formatCount(info.failures, 'time')}, ` : ''}again in ${formatWait(barredForMs)}`
  if (info.lastSeenAt !== null) return `seen ${formatAgo(info.lastSeenAt, now)}`
  return info.lastMissAt === null ? 'not tried yet' : `missed ${formatAgo(info.lastMissAt, now)}`
}
