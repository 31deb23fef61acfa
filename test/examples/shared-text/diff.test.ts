import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { type Change, editBetween, moved } from '../../../examples/shared-text/page/diff.ts'

describe('the edit between two texts', () => {
  it.each([
    ['', 'a', 1, { at: 0, deleted: 0, inserted: 'a' }],
    ['ac', 'abc', 2, { at: 1, deleted: 0, inserted: 'b' }],
    ['aaa', 'aaaa', 1, { at: 0, deleted: 0, inserted: 'a' }],
    ['aaa', 'aaaa', 3, { at: 2, deleted: 0, inserted: 'a' }],
    ['aaa', 'aa', 1, { at: 1, deleted: 1, inserted: '' }],
    ['one two', 'one', 3, { at: 3, deleted: 4, inserted: '' }],
    ['one two three', 'one 2 three', 5, { at: 4, deleted: 3, inserted: '2' }],
    ['one two', 'one two', 7, undefined],
    ['one two', 'zero one two', 0, { at: 0, deleted: 0, inserted: 'zero ' }],
    ['😀', '😁', 2, { at: 0, deleted: 2, inserted: '😁' }],
    ['a😀b', 'a🨀b', 3, { at: 1, deleted: 2, inserted: '🨀' }]
  ])('%j, %j, caret at %i', (before, after, caret, edit) => {
    expect(editBetween(before, after, caret)).toEqual(edit)
  })

  it('makes one text of the other, cuts no character in two, and never touches more than what is typed', () => {
    const words = fc.array(fc.constantFrom('a', 'b', '😀', '😁', '\n'), { maxLength: 12 })
    fc.assert(
      fc.property(words, words, words, words, (start, deleted, inserted, end) => {
        const before = [...start, ...deleted, ...end].join('')
        const after = [...start, ...inserted, ...end].join('')
        const edit = editBetween(before, after, [...start, ...inserted].join('').length) ?? { at: 0, deleted: 0, inserted: '' }
        expect(before.slice(0, edit.at) + edit.inserted + before.slice(edit.at + edit.deleted)).toBe(after)
        expect(edit.deleted).toBeLessThanOrEqual(deleted.join('').length)
        expect(edit.inserted.length).toBeLessThanOrEqual(inserted.join('').length)
        for (const part of [before.slice(0, edit.at), edit.inserted, after.slice(edit.at + edit.inserted.length)])
          expect(part.isWellFormed()).toBe(true)
      })
    )
  })
})

it('a place moves with the character before it, whatever others write', () => {
  const edits = fc.array(fc.record({ at: fc.nat(30), deleted: fc.nat(4), inserted: fc.constantFrom('', 'x', 'yz') }), { maxLength: 6 })
  fc.assert(
    fc.property(fc.nat(20), edits, (place, changes) => {
      const doc = new Y.Doc()
      const text = doc.getText('text')
      text.insert(0, '01234567890123456789')
      const expected = Y.createRelativePositionFromTypeIndex(text, place, -1)
      let delta: Change[] = []
      text.observe(({ changes: seen }) => {
        delta = seen.delta as Change[]
      })
      doc.transact(() => {
        for (const { at, deleted, inserted } of changes) {
          const index = Math.min(at, text.length)
          text.delete(index, Math.min(deleted, text.length - index))
          text.insert(index, inserted)
        }
      })
      const there = Y.createAbsolutePositionFromRelativePosition(expected, doc)?.index ?? Number.NaN
      const found = moved(place, delta)
      // Where the character itself went, both are somewhere in what came in its place.
      expect(found).toBeLessThanOrEqual(text.length)
      if (text.toString().slice(0, there).length === there && !delta.some((change) => change.delete !== undefined))
        expect(found).toBe(there)
    })
  )
})
