/** Who is kept out and until when: by hand, each with its undo, and by the pool itself. */
import type { BlockSnapshot, Host } from '../../src/core/index.ts'
import { byId, el, type KeyedList, keyedList, setHidden, setText } from './dom.ts'
import { formatAgo, formatHost, formatWait, shortId } from './format.ts'
import type { Page, Part } from './page.ts'
import { unbanHost, unbanPeer } from './verbs.ts'
import { actionButton, peerButton } from './widgets.ts'

interface Blocked {
  readonly block: BlockSnapshot
  readonly now: number
}

export function bansPart(page: Page): Part {
  const bans = blockList(page, byId('ban-list', HTMLUListElement), 'ban-row')
  const greylist = blockList(page, byId('greylist', HTMLUListElement), 'greylist-row')
  const nobodyBanned = byId('bans-empty', HTMLParagraphElement)
  const nobodyGreylisted = byId('greylist-empty', HTMLParagraphElement)
  const clear = byId('clear-greylist', HTMLButtonElement)
  clear.addEventListener('click', () => void page.notices.run('Could not clear the greylist', () => page.pool.clearGreylist()))
  return {
    show({ snapshot, now }) {
      const running = snapshot.blocks.filter(({ endsAt }) => endsAt === null || endsAt > now).map((block) => ({ block, now }))
      const banned = running.filter(({ block }) => block.kind === 'banned')
      const greylisted = running.filter(({ block }) => block.kind === 'greylisted')
      bans.show(banned)
      greylist.show(greylisted)
      setHidden(nobodyBanned, banned.length > 0)
      setHidden(nobodyGreylisted, greylisted.length > 0)
      setHidden(clear, greylisted.length === 0)
    }
  }
}

/** When it began, and when it is over at the latest. */
export function blockWords({ kind, since, endsAt }: BlockSnapshot, now: number): string {
  const began = formatAgo(since, now)
  if (endsAt === null) return `since ${began === 'just now' ? 'just now' : began}, until you lift it`
  return `since ${began}, ${kind === 'greylisted' ? 'at most ' : ''}${formatWait(endsAt - now)} more`
}

function blockList(page: Page, parent: HTMLElement, testId: string): KeyedList<Blocked> {
  return keyedList<Blocked>(parent, {
    key: ({ block }) => `${block.peerId ?? ''} ${block.host ?? ''}`,
    create({ block: { kind, peerId, host } }) {
      const who = peerId === null ? el('span', { class: 'mono' }, [hostWords(host)]) : peerButton(peerId)
      const words = el('span', { class: 'quiet small' })
      const about = peerId === null ? { 'data-host': host ?? '' } : { 'data-peer': peerId }
      const children: Node[] = [el('div', { class: 'about' }, [who, words])]
      if (kind === 'banned') {
        const lift = actionButton('unban', () => {
          if (peerId !== null) unbanPeer(page, peerId)
          else if (host !== null) unbanHost(page, host as Host)
        })
        lift.show('Lift the ban', peerId === null ? `of the ${hostWords(host)}` : `of ${shortId(peerId)}`)
        children.push(lift.element)
      }
      const element = el('li', { class: 'row line', 'data-testid': testId, ...about }, children)
      return { element, update: ({ block, now }) => setText(words, blockWords(block, now)) }
    }
  })
}

function hostWords(host: string | null): string {
  if (host === null) return 'none'
  return host.includes('/') ? `range ${host}` : `host ${formatHost(host as Host)}`
}
