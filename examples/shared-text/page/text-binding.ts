/** Ties a text field to a Y.Text: what is typed goes in as the smallest change, and what others write leaves caret and selection where they are. */
import * as Y from 'yjs'
import { type Change, editBetween, moved } from './diff.ts'

/**
 * The text as a field can show it, each character in its place: a field leaves out returns, so they are shown as spaces. To take them out of
 * the text would let anybody make all pages edit.
 */
export function shownTextOf(text: Y.Text): string {
  return text.toString().replaceAll('\r', ' ')
}

export class TextBinding {
  readonly #field: HTMLTextAreaElement
  readonly #text: Y.Text
  readonly #undo: Y.UndoManager
  /** What the field held when it last agreed with the text. */
  #shown = ''
  /** What others changed while the person composes a character: the field must not be touched until that is done. */
  #postponed: Change[][] | undefined

  constructor(field: HTMLTextAreaElement, text: Y.Text) {
    this.#field = field
    this.#text = text
    this.#undo = new Y.UndoManager(text, { trackedOrigins: new Set([this]) })
    text.observe(this.#changed)
    field.addEventListener('input', this.#typed)
    field.addEventListener('beforeinput', this.#undone)
    field.addEventListener('keydown', this.#pressed)
    field.addEventListener('compositionstart', () => {
      this.#postponed ??= []
    })
    field.addEventListener('compositionend', () => this.#composed())
    this.#show(shownTextOf(text), 0, 0)
  }

  readonly #typed = (): void => {
    if (this.#postponed === undefined) this.#take([])
  }

  #composed(): void {
    const postponed = this.#postponed ?? []
    this.#postponed = undefined
    this.#take(postponed)
  }

  /** Brings what the person changed into the text, which others changed meanwhile. */
  #take(meanwhile: readonly Change[][]): void {
    const { value, selectionStart, selectionEnd } = this.#field
    const edit = editBetween(this.#shown, value, selectionEnd) ?? { at: 0, deleted: 0, inserted: '' }
    const now = (index: number): number => meanwhile.reduce(moved, index)
    const at = now(edit.at)
    const deleted = now(edit.at + edit.deleted) - at
    const { length } = edit.inserted
    this.#shown = value
    this.#text.doc?.transact(() => {
      if (deleted > 0) this.#text.delete(at, deleted)
      if (length > 0) this.#text.insert(at, edit.inserted)
    }, this)
    if (meanwhile.length === 0) return
    const caret = (index: number): number => {
      if (index <= edit.at) return now(index)
      return index <= edit.at + length ? at + index - edit.at : now(index - length + edit.deleted) - deleted + length
    }
    this.#show(shownTextOf(this.#text), caret(selectionStart), caret(selectionEnd))
  }

  readonly #changed = ({ changes }: Y.YTextEvent, { origin }: Y.Transaction): void => {
    const delta = changes.delta as Change[]
    if (origin === this) return
    if (this.#postponed !== undefined) {
      this.#postponed.push(delta)
      return
    }
    const { selectionStart, selectionEnd } = this.#field
    // Undo and redo bring the caret to where they changed something.
    const to = origin === this.#undo ? endOf(delta) : undefined
    this.#show(shownTextOf(this.#text), to ?? moved(selectionStart, delta), to ?? moved(selectionEnd, delta))
  }

  #show(value: string, start: number, end: number): void {
    const field = this.#field
    this.#shown = value
    if (field.value === value) return
    const { scrollTop, selectionDirection } = field
    field.value = value
    field.setSelectionRange(start, end, selectionDirection)
    field.scrollTop = scrollTop
  }

  // The browser's own undo would take back what others wrote.

  readonly #undone = (event: InputEvent): void => {
    if (event.inputType !== 'historyUndo' && event.inputType !== 'historyRedo') return
    event.preventDefault()
    if (event.inputType === 'historyUndo') this.#undo.undo()
    else this.#undo.redo()
  }

  readonly #pressed = (event: KeyboardEvent): void => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return
    const key = event.key.toLowerCase()
    if (key !== 'z' && key !== 'y') return
    event.preventDefault()
    if (key === 'z' && !event.shiftKey) this.#undo.undo()
    else this.#undo.redo()
  }
}

function endOf(delta: readonly Change[]): number {
  let at = 0
  for (const { retain, insert } of delta) at += retain ?? (typeof insert === 'string' ? insert.length : 0)
  return at
}
