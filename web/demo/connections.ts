/** The running connections: who, how it travels, why it is kept, how much it carries, and what can be done. */
import type { ConnectionSnapshot, PoolSnapshot } from '../../src/core/index.ts'
import { byId, el, keyedList, type Row, setAttribute, setHidden, setText } from './dom.ts'
import { askedAtTimes } from './explanation.ts'
import { formatBytes, formatDuration, shortenIds, shortId } from './format.ts'
import type { Moment, Page, Part } from './page.ts'
import { kindBeside, peerTitle } from './peer-title.ts'
import { formatRate, spark } from './spark.ts'
import { banPeer, disconnectPeer, trustPeer } from './verbs.ts'
import { type Way, wayWords } from './way-words.ts'
import { actionButton, badge, fact, peerButton, pointButton } from './widgets.ts'

interface Shown {
  readonly connection: ConnectionSnapshot
  readonly now: number
}

/** Why a peer is kept changes with the number of connections, seldom. */
const keptEveryMs = 5_000

/** Drawn at first; a person with more connections finds a peer in the list of known peers, which can be filtered. */
const rowsAtFirst = 12

export function connectionsPart(page: Page, redraw: () => void): Part {
  const list = keyedList<Shown>(byId('connection-list', HTMLUListElement), {
    // A peer that reconnects is a new row: its point and transport may be others.
    key: ({ connection }) => `${connection.peerId} ${connection.establishedAt}`,
    create: ({ connection }) => connectionRow(page, connection)
  })
  const showEmpty = emptyState()
  const more = byId('more-connections', HTMLButtonElement)
  let all = false
  more.addEventListener('click', () => {
    all = !all
    redraw()
  })
  return {
    show(moment) {
      const { connections } = moment.snapshot
      const ordered = [...connections].sort((a, b) => a.establishedAt - b.establishedAt)
      const shown = all ? ordered : ordered.slice(0, rowsAtFirst)
      list.show(shown.map((connection) => ({ connection, now: moment.now })))
      setHidden(more, ordered.length <= rowsAtFirst)
      setText(more, all ? `Show the first ${rowsAtFirst}` : `Show all ${ordered.length}`)
      showEmpty(moment)
    }
  }
}

function connectionRow(page: Page, { peerId, point, direction, transport, remoteAddress, kind }: ConnectionSnapshot): Row<Shown> {
  let current: ConnectionSnapshot | undefined
  const name = shortId(peerId)
  const title = peerTitle(page, peerId)
  const story = el('p', { class: 'story small', 'data-testid': 'connection-story' })
  const kept = el('p', { class: 'quiet small', 'data-testid': 'why-kept' })
  const traffic = spark()
  const trusted = badge('trusted', 'trusted')
  const introduced = badge('introduced', 'introduced')
  const since = fact('for')
  const roundTrip = fact('round trip')
  const received = fact('in')
  const sent = fact('out')
  const write = actionButton('message', () => page.writeTo(peerId))
  const trust = actionButton('trust', () => trustPeer(page, peerId, !current?.trusted))
  const disconnect = actionButton('disconnect', () => disconnectPeer(page, peerId))
  const ban = actionButton('ban', () => banPeer(page, peerId), 'danger')
  write.show('Message', name)
  write.hide(kind === 'plain')
  disconnect.show('Disconnect', name)
  ban.show('Ban', name)

  const where =
    point === null
      ? el('span', { class: 'quiet small', 'data-full': remoteAddress }, ['no address that could be dialed'])
      : pointButton(point)
  const element = el(
    'li',
    {
      class: 'row connection',
      'data-testid': 'connection-row',
      'data-peer': peerId,
      'data-point': point ?? undefined,
      'data-transport': transport,
      'data-direction': direction
    },
    [
      el('div', { class: 'who' }, [
        title.element,
        peerButton(peerId),
        badge(`transport ${transport}`, transport),
        introduced,
        ...(kind === 'plain' ? [badge('plain', 'without the pool’s protocol')] : []),
        trusted
      ]),
      el('div', { class: 'carries' }, [
        traffic.element,
        el('dl', { class: 'facts inline' }, [since.element, roundTrip.element, received.element, sent.element])
      ]),
      el('div', { class: 'wording' }, [story, kept, where]),
      el('div', { class: 'actions' }, [write.element, trust.element, disconnect.element, ban.element])
    ]
  )
  const askKept = askedAtTimes(
    async () => setText(kept, keptWords((await page.pool.explain(peerId)).text)),
    () => setText(kept, ''),
    keptEveryMs
  )
  return {
    element,
    update({ connection, now }) {
      current = connection
      const rates = page.rates.of(connection)
      const rate = rates.at(-1)
      title.show()
      setText(story, storyWords(kindBeside(page, peerId), connection))
      askKept()
      traffic.show(rates)
      since.show(formatDuration(now - connection.establishedAt))
      roundTrip.show(connection.rttMs === null ? '–' : `${Math.ceil(connection.rttMs.last)} ms`)
      received.show(amountWords(connection.bytesReceived, rate?.received))
      sent.show(amountWords(connection.bytesSent, rate?.sent))
      setHidden(trusted, !connection.trusted)
      // It is known a moment after the connection.
      setHidden(introduced, connection.introducer === null)
      setAttribute(element, 'data-trusted', String(connection.trusted))
      trust.show(connection.trusted ? 'Untrust' : 'Trust', name)
      setAttribute(trust.element, 'data-action', connection.trusted ? 'untrust' : 'trust')
    }
  }
}

/** "Node, direct, over WebSockets; this page dialed it." */
export function storyWords(kind: string, connection: Way & Pick<ConnectionSnapshot, 'direction'>): string {
  const words = `${kind === '' ? '' : `${kind}, `}${wayWords(connection)}; ${connection.direction === 'outgoing' ? 'this page dialed it' : 'it came to this page'}.`
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

/** Of what the pool explains, the part that says why it is kept: what comes before is in the row already. */
export function keptWords(text: string): string {
  const at = text.indexOf('; ')
  const why = at < 0 ? '' : shortenIds(text.slice(at + 2))
  return why === '' ? '' : `${why.charAt(0).toUpperCase()}${why.slice(1)}.`
}

function amountWords(bytes: number, rate = 0): string {
  return rate < 0.5 ? formatBytes(bytes) : `${formatBytes(bytes)}, ${formatRate(rate)}`
}

function emptyState(): (moment: Moment) => void {
  const element = byId('connections-empty', HTMLDivElement)
  const title = byId('connections-empty-title', HTMLParagraphElement)
  const text = byId('connections-empty-text', HTMLParagraphElement)
  return ({ snapshot }) => {
    setHidden(element, snapshot.connections.length > 0)
    const words = wordsForNobody(snapshot, navigator.onLine)
    setText(title, words.title)
    setText(text, words.text)
    setAttribute(element, 'data-busy', words.busy)
  }
}

/** Why nobody is connected, and what will happen or can be done. */
export function wordsForNobody(
  { status, points, outgoingAttempts, bounds }: Pick<PoolSnapshot, 'status' | 'points' | 'outgoingAttempts' | 'bounds'>,
  onLine: boolean
): { readonly title: string; readonly text: string; readonly busy: boolean } {
  if (status === 'created' || status === 'starting')
    return { title: 'Starting…', text: 'Loading what was remembered, and the way to other peers.', busy: true }
  if (status === 'suspended' && onLine) return { title: 'Asleep', text: 'It connects again when the page is looked at.', busy: false }
  if (status !== 'running' && status !== 'suspended')
    return { title: 'The pool is stopped', text: 'Reload the page to join the network again.', busy: false }
  if (!onLine) return { title: 'Offline', text: 'The pool connects again by itself when the network is back.', busy: false }
  if (outgoingAttempts > 0) return { title: 'Connecting…', text: 'Dialing the first peers. They appear here one by one.', busy: true }
  if (bounds.aim === 0)
    return { title: 'No connections wanted', text: 'The band asks for no connections. It can be changed under “Settings”.', busy: false }
  if (points.length === 0)
    return { title: 'No peers yet', text: 'No address is known. Connect to one under “Connect to an address”.', busy: false }
  return {
    title: 'No peers now',
    text: 'None of the known points answers. They are tried again by themselves; see below when.',
    busy: false
  }
}
