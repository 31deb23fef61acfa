/**
 * The sheet of one peer, over the page: how it stands with us and why, what it is worth, where it was met, and its history.
 * Opened from wherever its name is pressed; a native dialog, so that keyboard and screen readers are at home in it.
 */
import type { ConnectionSnapshot, PeerDescription, PeerId, PeerSnapshot, Point } from '../../src/core/index.ts'
import { saidWords } from './about.ts'
import { conditionOfPeer, conditionOfPoint, conditions, surroundingsOf } from './conditions.ts'
import { byId, el, keyedList, setAttribute, setHidden, setText } from './dom.ts'
import { askedAtTimes, explanation } from './explanation.ts'
import { formatAgo, formatClock, formatCount, formatDuration, formatScore, formatWait, shortenIds, shortId } from './format.ts'
import { identicon } from './identicon.ts'
import type { Moment, Page, Part } from './page.ts'
import { peerTitle } from './peer-title.ts'
import { pointWords } from './point-row.ts'
import { historyWords } from './sentences.ts'
import { banPeer, connectPoint, disconnectPeer, trustPeer, unbanPeer } from './verbs.ts'
import { wayWords } from './way-words.ts'
import { actionButton, fact, pointButton } from './widgets.ts'

export interface SheetPart extends Part {
  open(peerId: PeerId): void
}

interface HistoryLine {
  readonly key: string
  readonly at: number
  readonly words: string
  readonly point: Point | null
  readonly now: number
}

/** Kept of each peer; older ones are gone. */
const maxHistory = 100

export function sheetPart(page: () => Page, redraw: () => void): SheetPart {
  const dialog = byId('sheet', HTMLDialogElement)
  const content = byId('sheet-content', HTMLDivElement)
  byId('sheet-close', HTMLButtonElement).addEventListener('click', () => dialog.close())
  // A press beside the sheet closes it, as people expect.
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close()
  })
  let write: ((moment: Moment) => void) | undefined
  dialog.addEventListener('close', () => {
    write = undefined
    content.replaceChildren()
  })
  document.addEventListener('click', (event) => {
    const target = event.target instanceof Element ? event.target.closest('[data-open-peer]') : null
    if (target !== null) open(target.getAttribute('data-open-peer') as PeerId)
  })
  const open = (peerId: PeerId) => {
    write = peerSheet(page(), { peerId, content, close: () => dialog.close() })
    if (!dialog.open) dialog.showModal()
    redraw()
  }
  return { open, show: (moment) => write?.(moment) }
}

interface SheetPlace {
  readonly peerId: PeerId
  readonly content: HTMLElement
  close(): void
}

function peerSheet(page: Page, { peerId, content, close }: SheetPlace): (moment: Moment) => void {
  const name = shortId(peerId)
  let current: PeerSnapshot | undefined
  const condition = el('p', { class: 'line condition' }, [el('span', { class: 'state-dot', 'aria-hidden': 'true' })])
  const words = el('span')
  condition.append(words)
  const why = explanation(page, peerId)
  const title = peerTitle(page, peerId)
  const saidKind = el('p', { class: 'hint', 'data-testid': 'said-kind' })
  const facts = sheetFacts()
  const actions = sheetActions(page, { peerId, name, close, current: () => current })
  const places = placeList()
  const history = historyList()
  content.replaceChildren(
    el('div', { class: 'identity' }, [
      el('span', { class: 'picture', 'aria-hidden': 'true' }, [identicon(peerId)]),
      el('div', {}, [
        el('h2', { id: 'sheet-title', class: 'own-short', tabindex: '-1' }, [title.element, ' ', el('span', { class: 'mono' }, [name])]),
        el('div', { class: 'copy-line' }, [
          el('code', { class: 'long', 'data-full': peerId }, [peerId]),
          el('button', { type: 'button', class: 'plain', 'data-action': 'copy', 'data-copy': peerId, 'aria-label': 'Copy the peer id' }, [
            'Copy'
          ])
        ])
      ])
    ]),
    ...[saidKind, condition, why.element, actions.element, facts.element],
    ...[el('h3', {}, ['Its addresses']), places.element],
    ...[el('h3', {}, ['History']), history.element]
  )
  let latest: Moment | undefined
  const describe = askedAtTimes(
    async () => {
      const described = await page.pool.peers.describe(peerId)
      if (latest === undefined) return
      facts.show(described, latest, latest.snapshot.blocks.find((block) => block.peerId === peerId)?.endsAt ?? null)
      history.show(described, latest.now)
    },
    (error) => setText(words, error.message)
  )
  return (moment) => {
    latest = moment
    current = moment.snapshot.peers.find((one) => one.peerId === peerId)
    const state = current === undefined ? undefined : conditionOfPeer(current)
    setAttribute(content, 'data-condition', state ?? 'foreign')
    const link = moment.snapshot.connections.find((one) => one.peerId === peerId)
    setText(
      words,
      state === undefined
        ? 'not remembered'
        : state === 'ready'
          ? 'not connected'
          : `${conditions[state].word}${linkWords(link, moment.now)}`
    )
    title.show()
    setText(saidKind, saidWords(page.names.of(peerId)))
    why.show()
    actions.show()
    places.show(moment, peerId)
    describe()
  }
}

function linkWords(link: ConnectionSnapshot | undefined, now: number): string {
  return link === undefined ? '' : ` for ${formatDuration(now - link.establishedAt)}, ${wayWords(link)}`
}

function sheetFacts() {
  const score = fact('score')
  const met = fact('first seen')
  const seen = fact('last seen')
  const failed = fact('last failure')
  const reports = fact('reports')
  const kept = fact('kept out')
  return {
    element: el('dl', { class: 'facts inline' }, [met.element, seen.element, failed.element, score.element, reports.element, kept.element]),
    show(peer: PeerDescription | undefined, { now }: Moment, keptOutUntil: number | null) {
      met.show(peer === undefined ? '' : formatAgo(peer.createdAt, now))
      seen.show(peer === undefined ? '' : peer.lastSeenAt === null ? 'never' : formatAgo(peer.lastSeenAt, now))
      failed.show(peer?.lastFailure == null ? '' : formatAgo(peer.lastFailure.at, now))
      score.show(peer === undefined ? '' : scoreWords(peer))
      reports.show(peer === undefined ? '' : reportWords(peer, now))
      kept.show(keptOutUntil === null ? '' : `${formatWait(keptOutUntil - now)} more`)
    }
  }
}

/** The sum, and what it is made of where that is more than one thing. */
export function scoreWords({ score, scoreReasons }: Pick<PeerDescription, 'score' | 'scoreReasons'>): string {
  const parts = scoreReasons.filter((part) => Math.abs(part.score) >= 0.05)
  const sum = formatScore(score)
  return parts.length < 2 ? sum : `${sum} (${parts.map((part) => `${part.of} ${formatScore(part.score)}`).join(', ')})`
}

/** What the application said of it lately. */
export function reportWords({ lastReport, penalty }: Pick<PeerDescription, 'lastReport' | 'penalty'>, now: number): string {
  if (lastReport === null) return 'none'
  return `${lastReport.kind} ${formatAgo(lastReport.at, now)} (${lastReport.reason}); weight now ${penalty.toFixed(1)}`
}

interface ActionsOf {
  readonly peerId: PeerId
  readonly name: string
  close(): void
  current(): PeerSnapshot | undefined
}

function sheetActions(page: Page, { peerId, name, close, current }: ActionsOf) {
  const write = actionButton('message', () => {
    close()
    page.writeTo(peerId)
  })
  const connect = actionButton('connect', () => {
    const point = current()?.lastSeenPoint
    if (point != null) connectPoint(page, point)
  })
  const disconnect = actionButton('disconnect', () => disconnectPeer(page, peerId))
  const trust = actionButton('trust', () => trustPeer(page, peerId, current()?.trusted !== true))
  const length = el('select', { 'aria-label': 'How long a ban lasts', class: 'short' }, [
    el('option', { value: '' }, ['until lifted']),
    el('option', { value: '600000' }, ['for 10 minutes']),
    el('option', { value: '3600000' }, ['for an hour']),
    el('option', { value: '86400000' }, ['for a day'])
  ])
  const ban = actionButton(
    'ban',
    () => {
      if (current()?.banned === true) unbanPeer(page, peerId)
      else banPeer(page, peerId, length.value === '' ? undefined : Date.now() + Number(length.value))
    },
    'danger'
  )
  write.show('Message', name)
  connect.show('Connect', name)
  disconnect.show('Disconnect', name)
  return {
    element: el('div', { class: 'actions' }, [write.element, connect.element, disconnect.element, trust.element, ban.element, length]),
    show() {
      const info = current()
      const isRunning = info?.state === 'running'
      write.hide(!isRunning)
      disconnect.hide(!isRunning)
      connect.hide(info === undefined || info.state !== 'disconnected' || info.banned || info.lastSeenPoint === null)
      trust.show(info?.trusted === true ? 'Untrust' : 'Trust', name)
      setAttribute(trust.element, 'data-action', info?.trusted === true ? 'untrust' : 'trust')
      ban.show(info?.banned === true ? 'Lift the ban' : 'Ban', name)
      setAttribute(ban.element, 'data-action', info?.banned === true ? 'unban' : 'ban')
      setHidden(length, info?.banned === true)
    }
  }
}

function placeList() {
  const list = el('ul', { class: 'rows dense' })
  const empty = el('p', { class: 'empty' }, ['None that could be dialed.'])
  const rows = keyedList<{ readonly point: Point; readonly condition: string; readonly words: string }>(list, {
    key: ({ point }) => point,
    create: ({ point }) => {
      const words = el('span', { class: 'quiet small' })
      const dot = el('span', { class: 'state-dot', 'aria-hidden': 'true' })
      const element = el('li', { class: 'row known-line' }, [dot, el('div', { class: 'about' }, [pointButton(point), words])])
      return {
        element,
        update(next) {
          setAttribute(element, 'data-condition', next.condition)
          setText(words, next.words)
        }
      }
    }
  })
  return {
    element: el('div', {}, [list, empty]),
    show(moment: Moment, peerId: PeerId) {
      const around = surroundingsOf(moment)
      const mine = moment.snapshot.points.filter((info) => info.peerId === peerId || info.expectedPeerId === peerId)
      rows.show(
        mine.map((info) => {
          const condition = conditionOfPoint(info, around)
          return { point: info.point, condition, words: pointWords({ info, condition, now: moment.now, sinceMs: around.sinceMs }) }
        })
      )
      setHidden(empty, mine.length > 0)
    }
  }
}

function historyList() {
  const list = el('ol', { class: 'history', 'data-testid': 'peer-history' })
  const note = el('p', { class: 'hint' })
  const rows = keyedList<HistoryLine>(list, {
    key: ({ key }) => key,
    create: ({ at, words, point }) => {
      const ago = el('span', { class: 'quiet small' })
      const element = el('li', { class: 'row' }, [
        el('time', { datetime: new Date(at).toISOString(), class: 'quiet small' }, [formatClock(at)]),
        el('span', {}, [
          words,
          ...(point === null ? [] : [' ', el('span', { class: 'mono small reference', 'data-full': point }, [shortenIds(point)])])
        ]),
        ago
      ])
      return { element, update: ({ now }) => setText(ago, formatAgo(at, now)) }
    }
  })
  return {
    element: el('div', {}, [note, list]),
    show(peer: PeerDescription | undefined, now: number) {
      const events = peer?.events ?? []
      rows.show(historyLines(events, now))
      setText(
        note,
        events.length === 0
          ? 'Nothing has happened with it yet.'
          : `${formatCount(events.length, 'event')}, the newest first; the last ${maxHistory} are kept.`
      )
    }
  }
}

/** Newest first. Two of the same kind in one millisecond differ by their number. */
export function historyLines(events: PeerDescription['events'], now: number): HistoryLine[] {
  const seen = new Map<string, number>()
  const lines = events.map(({ kind, at, point }) => {
    const key = `${at} ${kind}`
    const count = (seen.get(key) ?? 0) + 1
    seen.set(key, count)
    return { key: `${key} ${count}`, at, words: historyWords(kind), point, now }
  })
  return lines.reverse()
}
