/**
 * "Without servers": buttons that stop the demo's servers and start them again, and what this page has without them: which of its connections
 * came by an introduction, and through which peer; what goes on and what does not. The words are in server-words.ts.
 */
import type { PoolSnapshot } from '../../src/core/index.ts'
import type { Breaker, ServerSwitch } from './break-server.ts'
import { byId, el, keyedList, setAttribute, setHidden, setText } from './dom.ts'
import type { Page, Part } from './page.ts'
import { introducedOf, introducedWords, isAlone, reachedOf, type ServerState, serverStateOf, serverWords } from './server-words.ts'
import { peerButton } from './widgets.ts'

/** Another page may have stopped or started them: it is looked at when servers come or go, not more often than that. */
const askEveryMs = 1_500

const switches: readonly { readonly how: ServerSwitch; readonly label: string; readonly done: string }[] = [
  { how: 'stop-relay', label: 'Stop the relay', done: 'You stopped the relay.' },
  { how: 'stop-servers', label: 'Stop all servers', done: 'You stopped all servers.' },
  { how: 'start-servers', label: 'Start the servers', done: 'You started the servers.' }
]

/** Where this page is connected with another one. */
const betweenPages = [
  'Messages and the shared text, between pages that are connected.',
  'New connections: a page introduces the pages that it is connected with to each other.'
] as const
const searching = 'The pool goes on looking for its servers, and uses them again when they are back.'

export interface WithoutServersOptions {
  readonly breaker: Promise<Breaker | undefined>
  /** A line for the log. */
  note(line: { readonly name: string; readonly text: string; readonly at: number }): void
}

export function withoutServersPart(page: Page, { breaker: finding, note }: WithoutServersOptions, redraw: () => void): Part {
  const section = byId('without-servers', HTMLElement)
  const status = el('p', { class: 'server-state', role: 'status', 'data-testid': 'server-state' })
  const count = el('p', { class: 'small', 'data-testid': 'introduced-count' })
  const list = el('ul', { class: 'introduced', 'data-testid': 'introduced-list', 'aria-label': 'Connections that came by an introduction' })
  const rows = keyedList(list, { key: ({ peerId, establishedAt }) => `${peerId} ${establishedAt}`, create: introducedRow })
  const between = betweenPages.map((text) => el('li', {}, [text]))
  const alone = el('div', { class: 'alone', 'data-testid': 'alone', hidden: true }, [
    el('div', {}, [el('h3', {}, ['Goes on']), el('ul', { class: 'goes-on' }, [...between, el('li', {}, [searching])])]),
    el('div', {}, [
      el('h3', {}, ['Does not']),
      el('ul', { class: 'ends' }, [
        el('li', {}, [
          'A page that is opened or reloaded now finds nobody by itself: it needs ',
          el('a', { href: '#invite' }, ['an invitation']),
          '.'
        ]),
        el('li', {}, ['A page that has lost its last connection needs one, too.'])
      ])
    ])
  ])
  let breaker: Breaker | undefined
  let state: ServerState = 'unknown'
  let isSwitching = false
  let seen = -1
  let isDue = false
  let askedAt = Number.NEGATIVE_INFINITY
  let last: PoolSnapshot | undefined

  const buttons = switches.map(({ how, label, done }) => {
    const element = el('button', { type: 'button', 'data-action': how, disabled: true }, [label])
    element.addEventListener('click', () => void turn(how, label, done))
    return { how, element }
  })
  const draw = (): void => {
    for (const { how, element } of buttons) {
      const isStop = how !== 'start-servers'
      const isDone = isStop ? state === 'servers-stopped' || (how === 'stop-relay' && state === 'relay-stopped') : state === 'run'
      setAttribute(element, 'disabled', breaker === undefined || isSwitching || isDone)
    }
    setAttribute(section, 'data-servers', state)
    if (last === undefined) return
    setText(status, isSwitching ? 'One moment …' : serverWords(last, state, navigator.onLine))
    setAttribute(status, 'data-alone', isAlone(last, navigator.onLine))
    setText(count, introducedWords(last))
    rows.show(introducedOf(last))
    setHidden(alone, !isAlone(last, navigator.onLine))
    for (const item of between) setHidden(item, reachedOf(last).pages === 0)
  }
  const ask = async (): Promise<void> => {
    if (breaker === undefined || isSwitching) return
    askedAt = performance.now()
    try {
      state = serverStateOf(await breaker.broken())
    } catch {
      state = 'unknown'
    }
    // What can be killed depends on it, too.
    redraw()
    draw()
  }
  const turn = async (how: ServerSwitch, label: string, done: string): Promise<void> => {
    if (breaker === undefined) return
    isSwitching = true
    draw()
    try {
      await breaker.switchServers(how)
      note({ name: 'servers', text: done, at: Date.now() })
    } catch (error) {
      page.notices.fail(`${label}: it did not work`, error)
    }
    isSwitching = false
    await ask()
  }

  section.append(
    el('p', { class: 'hint' }, [
      'A page that is connected with two others introduces them to each other: they connect with no server in between. So pages go on when the servers are gone. ' +
        'Open this page in two or three more browsers or “tabs of their own”, then stop the servers. The web server that gives out this page is no peer; it stays.'
    ]),
    el(
      'div',
      { class: 'actions' },
      buttons.map(({ element }) => element)
    ),
    status,
    count,
    list,
    alone
  )
  section.hidden = false
  void finding.then((found) => {
    breaker = found
    void ask()
  })
  return {
    show({ snapshot }) {
      last = snapshot
      const { servers } = reachedOf(snapshot)
      // A request in vain is an error on the console.
      isDue ||= servers !== seen
      seen = servers
      if (isDue && navigator.onLine && performance.now() - askedAt >= askEveryMs) {
        isDue = false
        void ask()
      }
      draw()
    }
  }
}

function introducedRow({ peerId, introducer }: ReturnType<typeof introducedOf>[number]) {
  const element = el('li', { 'data-testid': 'introduced-row', 'data-peer': peerId, 'data-introducer': introducer }, [
    peerButton(peerId, { isNamed: true }),
    el('span', { class: 'quiet small' }, ['introduced by']),
    peerButton(introducer, { isNamed: true })
  ])
  return { element, update: () => undefined }
}
