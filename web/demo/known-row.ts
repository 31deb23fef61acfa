/** What the rows of known points and known peers have in common: a line that can be opened for details. */
import { el, setAttribute, setHidden, setText } from './dom.ts'
import { badge } from './widgets.ts'

export interface KnownRowFace {
  readonly testId: 'point-row' | 'peer-row'
  readonly attribute: 'data-point' | 'data-peer'
  readonly id: string
  readonly label: HTMLElement
  /** The short name, for those who hear the page. */
  readonly name: string
}

export interface KnownRowState {
  readonly state: 'disconnected' | 'requested' | 'accepted' | 'running'
  /** The state in words; the dot alone tells nothing to many. */
  readonly words: string
  readonly trusted: boolean
  readonly banned: boolean
  readonly greylisted: boolean
}

export interface KnownRow {
  readonly element: HTMLElement
  /** The end of the line: the first action. */
  readonly head: HTMLElement
  /** Hidden until opened. */
  readonly details: HTMLElement
  show(state: KnownRowState): void
}

export function knownRow({ testId, attribute, id, label, name }: KnownRowFace): KnownRow {
  const words = el('span', { class: 'words' })
  const marks = { trusted: badge('trusted', 'trusted'), banned: badge('banned', 'banned'), greylisted: badge('greylisted', 'greylisted') }
  const toggle = el('button', {
    type: 'button',
    class: 'toggle',
    'aria-expanded': 'false',
    'aria-label': `Details of ${name}`,
    'data-action': 'details'
  })
  const head = el('div', { class: 'head-actions' })
  const details = el('div', { class: 'details', hidden: true })
  toggle.addEventListener('click', () => {
    setHidden(details, !details.hidden)
    setAttribute(toggle, 'aria-expanded', String(!details.hidden))
  })
  const about = el('div', { class: 'about' }, [
    label,
    el('span', { class: 'line small' }, [words, marks.trusted, marks.banned, marks.greylisted])
  ])
  const line = el('div', { class: 'known-line' }, [toggle, el('span', { class: 'state-dot', 'aria-hidden': 'true' }), about, head])
  const element = el('li', { class: 'row known', 'data-testid': testId, [attribute]: id }, [line, details])
  return {
    element,
    head,
    details,
    show(state) {
      setAttribute(element, 'data-state', state.state)
      setAttribute(element, 'data-banned', String(state.banned))
      setText(words, state.words)
      setHidden(marks.trusted, !state.trusted)
      // The words say it already.
      setHidden(marks.banned, !state.banned || state.words === 'banned')
      setHidden(marks.greylisted, !state.greylisted)
    }
  }
}
