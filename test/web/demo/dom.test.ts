import { afterEach, beforeEach, expect, test } from 'vitest'
import { el, keyedList, setText } from '../../../web/demo/dom.ts'
import { pieceNodes } from '../../../web/demo/widgets.ts'

interface Item {
  readonly id: string
  readonly text: string
}

let parent: HTMLUListElement
let made: string[]

beforeEach(() => {
  made = []
  parent = el('ul')
  document.body.append(parent)
})

afterEach(() => parent.remove())

function list() {
  return keyedList<Item>(parent, {
    key: ({ id }) => id,
    create: ({ id }) => {
      made.push(id)
      const button = el('button', { id })
      return { element: el('li', {}, [button]), update: ({ text }) => setText(button, text) }
    }
  })
}

const items = (ids: string) => [...ids].map((id) => ({ id, text: id }))

test('rows are in the order of the items, whatever came and went', () => {
  const rows = list()
  for (const ids of ['abc', 'cab', '', 'dcb', 'bcd', 'xbydz']) {
    rows.show(items(ids))
    expect(parent.textContent).toBe(ids)
  }
})

test('a row that stays is not made again', () => {
  const rows = list()
  rows.show(items('abc'))
  const before = parent.children[1]
  rows.show([...items('b'), { id: 'a', text: 'new' }])
  expect(made).toEqual(['a', 'b', 'c'])
  expect(parent.children[0]).toBe(before)
  expect(parent.textContent).toBe('bnew')
})

test('of many rows only the one that goes elsewhere is moved', () => {
  const many = Array.from({ length: 400 }, (_, index) => `row ${index}`)
  const show = (ids: readonly string[]) => rows.show(ids.map((id) => ({ id, text: id })))
  const rows = list()
  show(many)
  const changes = new MutationObserver(() => undefined)
  changes.observe(parent, { childList: true })
  for (const order of [
    [...many.slice(1), 'row 0'],
    ['row 399', ...many.slice(1, 399), 'row 0'],
    [...many.slice(0, 200), ...many.slice(201, 300), 'row 200', ...many.slice(300)]
  ]) {
    show(order)
    const moved = new Set(changes.takeRecords().flatMap(({ addedNodes }) => [...addedNodes]))
    expect(moved.size).toBeLessThanOrEqual(3)
    expect([...parent.children].map((row) => row.textContent)).toEqual(order)
  }
  changes.disconnect()
})

test('a row that moves keeps the focus', () => {
  const rows = list()
  rows.show(items('abc'))
  document.getElementById('c')?.focus()
  rows.show(items('cab'))
  expect(document.activeElement?.id).toBe('c')
})

test('drawing the same again changes nothing in the document', () => {
  const rows = list()
  rows.show(items('abc'))
  const changes = new MutationObserver(() => undefined)
  changes.observe(parent, { childList: true, subtree: true, characterData: true, attributes: true })
  rows.show(items('abc'))
  expect(changes.takeRecords()).toEqual([])
  changes.disconnect()
})

test("a peer's text never becomes an element", () => {
  parent.append(...pieceNodes(['<img src=x onerror=alert(1)>']))
  expect(parent.querySelector('img')).toBeNull()
  expect(parent.textContent).toBe('<img src=x onerror=alert(1)>')
})
