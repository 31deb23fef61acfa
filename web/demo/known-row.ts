/**
 * What the rows of known points and known peers have in common: a line that can be opened for details. The details are
 * made when they are opened for the first time, and written only while they are open: there may be hundreds of rows.
 */
import type { Condition } from './conditions.ts'
import { el, setAttribute, setHidden, setText } from './dom.ts'
import { badge } from './widgets.ts'

export interface KnownRowFace {
  readonly testId: 'point-row' | 'peer-row'
  readonly attribute: 'data-point' | 'data-peer'
  readonly id: string
  readonly label: HTMLElement
  /** The short name, for those who hear the page. */
  readonly name: string
  /** Makes what is shown once opened; returns how it is written. */
  details(place: HTMLElement): () => void
}

export interface KnownRowState {
  readonly state: 'disconnected' | 'requested' | 'accepted' | 'running'
  readonly condition: Condition
  /** The condition in words; the dot alone tells nothing to many. */
  readonly words: string
  readonly trusted: boolean
  readonly banned: boolean
  readonly greylisted: boolean
}

export interface KnownRow {
  readonly element: HTMLElement
  /** The end of the line: the first action. */
  readonly head: HTMLElement
  show(state: KnownRowState): void
}

export function knownRow({ testId, attribute, id, label, name, details }: KnownRowFace): KnownRow {
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
  const place = el('div', { class: 'details', hidden: true })
  let write: (() => void) | undefined
  toggle.addEventListener('click', () => {
    setHidden(place, !place.hidden)
    setAttribute(toggle, 'aria-expanded', String(!place.hidden))
    if (place.hidden) return
    write ??= details(place)
    write()
  })
  const about = el('div', { class: 'about' }, [
    label,
    el('span', { class: 'line small' }, [words, marks.trusted, marks.banned, marks.greylisted])
  ])
  const line = el('div', { class: 'known-line' }, [toggle, el('span', { class: 'state-dot', 'aria-hidden': 'true' }), about, head])
  const element = el('li', { class: 'row known', 'data-testid': testId, [attribute]: id }, [line, place])
  return {
    element,
    head,
    show(state) {
      setAttribute(element, 'data-state', state.state)
      setAttribute(element, 'data-condition', state.condition)
      setText(words, state.words)
      setHidden(marks.trusted, !state.trusted)
      // The words say it already.
      setHidden(marks.banned, !state.banned || state.words === 'banned')
      setHidden(marks.greylisted, !state.greylisted || state.words === 'greylisted')
      if (!place.hidden) write?.()
    }
  }
}
