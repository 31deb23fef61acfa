/** Short messages at the foot of the page: what a button did, with its undo, or why it failed. */

import { messageOf } from '../../src/core/values/reason.ts'
import { el } from './dom.ts'
import { shortenIds } from './format.ts'

/** Long enough to read two sentences and reach the undo. */
const shownMs = 8_000
/** The oldest goes first. */
const maxNotices = 3

export interface Notice {
  readonly text: string
  readonly undo?: () => void | Promise<void>
}

export class Notices {
  readonly #parent: HTMLElement

  constructor(parent: HTMLElement) {
    this.#parent = parent
  }

  say({ text, undo }: Notice): void {
    this.#add(text, 'done', undo)
  }

  fail(what: string, error: unknown): void {
    this.#add(`${what}: ${shortenIds(messageOf(error))}`, 'failed', undefined)
  }

  /** Runs what a button asks for; a failure is shown here, never thrown. */
  async run(what: string, action: () => void | Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      this.fail(what, error)
    }
  }

  #add(text: string, kind: 'done' | 'failed', undo: Notice['undo']): void {
    const notice = el('div', { class: `notice ${kind}`, 'data-testid': 'notice' }, [el('p', {}, [text])])
    const leave = () => notice.remove()
    if (undo !== undefined) {
      const button = el('button', { type: 'button', class: 'plain', 'data-action': 'undo' }, ['Undo'])
      button.addEventListener('click', () => {
        leave()
        void this.run('Undo failed', undo)
      })
      notice.append(button)
    }
    const close = el('button', { type: 'button', class: 'plain close', 'aria-label': 'Dismiss' }, ['×'])
    close.addEventListener('click', leave)
    notice.append(close)
    this.#parent.append(notice)
    while (this.#parent.childElementCount > maxNotices) this.#parent.firstElementChild?.remove()
    leaveWhenUnused(notice, leave)
  }
}

/** Not while the pointer or the keyboard focus is on it. */
function leaveWhenUnused(notice: HTMLElement, leave: () => void): void {
  setTimeout(() => {
    if (notice.matches(':hover, :focus-within')) leaveWhenUnused(notice, leave)
    else leave()
  }, shownMs)
}
