/** What others write, in the text field. */
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { shownTextOf, TextBinding } from '../../../examples/shared-text/page/text-binding.ts'

class Field extends EventTarget {
  value = ''
  selectionStart = 0
  selectionEnd = 0
  selectionDirection = 'none'
  scrollTop = 0
  setSelectionRange(start: number, end: number): void {
    ;[this.selectionStart, this.selectionEnd] = [start, end]
  }
}

it('returns are shown as spaces: the page changes nothing by itself, and what is typed lands where it was typed', () => {
  const doc = new Y.Doc()
  const text = doc.getText('text')
  const field = new Field()
  new TextBinding(field as unknown as HTMLTextAreaElement, text)
  let changes = 0
  doc.on('update', () => changes++)
  const other = new Y.Doc()
  other.getText('text').insert(0, 'a\r'.repeat(200_000))
  const from = performance.now()
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(other))
  expect(performance.now() - from).toBeLessThan(2_000)
  expect(changes).toBe(1)
  expect(field.value).toBe('a '.repeat(200_000))
  expect(shownTextOf(text)).toBe(field.value)
  field.value = `a b${field.value.slice(2)}`
  field.setSelectionRange(3, 3)
  field.dispatchEvent(new Event('input'))
  expect(text.toString()).toBe(`a\rb${'a\r'.repeat(199_999)}`)
})
