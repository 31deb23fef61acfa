/** Where the others are in the text: their carets and selections, drawn in a layer behind the text field that breaks lines as it does. */
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { type Person, personOf } from './person.ts'
import { shownTextOf } from './text-binding.ts'

/** More would hide the text. */
const maxShown = 24

interface Place {
  readonly person: Person
  readonly start: number
  readonly end: number
  /** Where its caret is. */
  readonly head: number
}

export interface CursorParts {
  readonly field: HTMLTextAreaElement
  readonly layer: HTMLElement
  readonly text: Y.Text
  readonly awareness: Awareness
}

/** Shows the others' cursors, and sends ours to them. */
export class Cursors {
  readonly #parts: CursorParts
  #isAsked = false
  #sent = ''

  constructor(parts: CursorParts) {
    this.#parts = parts
    const { field, text, awareness } = parts
    const draw = (): void => this.#soon()
    awareness.on('change', draw)
    text.observe(draw)
    field.addEventListener('scroll', () => this.#scroll())
    new ResizeObserver(draw).observe(field)
    document.addEventListener('selectionchange', draw)
    for (const type of ['input', 'focus', 'select', 'keyup', 'pointerup']) field.addEventListener(type, draw)
    draw()
  }

  /** Once per frame, which is also as often as the others hear of ours. A hidden page has no frames: nobody writes there. */
  #soon(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    requestAnimationFrame(() => {
      this.#isAsked = false
      this.#send()
      this.#draw()
    })
  }

  #send(): void {
    const { field, text, awareness } = this.#parts
    if (document.activeElement !== field || field.value !== shownTextOf(text)) return
    const { selectionStart, selectionEnd, selectionDirection } = field
    const [anchor, head] = [selectionStart, selectionEnd].map((index) => Y.createRelativePositionFromTypeIndex(text, index, -1))
    const cursor = selectionDirection === 'backward' ? { anchor: head, head: anchor } : { anchor, head }
    const said = JSON.stringify(cursor)
    if (said === this.#sent) return
    this.#sent = said
    awareness.setLocalStateField('cursor', cursor)
  }

  #draw(): void {
    const { field, layer, text } = this.#parts
    const places = this.#places()
    layer.style.width = `${field.clientWidth}px`
    layer.replaceChildren(...piecesOf(shownTextOf(text), places))
    for (const caret of layer.querySelectorAll<HTMLElement>('.caret')) {
      const flag = caret.firstElementChild as HTMLElement
      flag.classList.toggle('before', caret.offsetLeft + flag.offsetWidth > layer.clientWidth)
    }
    this.#scroll()
  }

  #scroll(): void {
    const { field, layer } = this.#parts
    layer.scrollTop = field.scrollTop
  }

  #places(): Place[] {
    const { awareness, text } = this.#parts
    const places: Place[] = []
    for (const [client, state] of awareness.getStates()) {
      if (client === awareness.clientID || places.length >= maxShown) continue
      const [anchor, head] = [indexOf(state.cursor?.anchor, text), indexOf(state.cursor?.head, text)]
      if (anchor === undefined || head === undefined) continue
      places.push({ person: personOf(client, state), start: Math.min(anchor, head), end: Math.max(anchor, head), head })
    }
    return places
  }
}

/** A peer may say anything. */
function indexOf(position: unknown, text: Y.Text): number | undefined {
  if (typeof position !== 'object' || position === null || text.doc === null) return undefined
  try {
    const place = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(position), text.doc)
    return place?.type === text ? place.index : undefined
  } catch {
    return undefined
  }
}

/** The text up to the last cursor, with marks for selections and carets in it. */
function piecesOf(text: string, places: readonly Place[]): Node[] {
  const cuts = [...new Set([0, ...places.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b)
  return cuts.flatMap((cut, index) => {
    const carets = places.filter(({ head }) => head === cut).map(({ person }) => caretOf(person))
    const until = cuts[index + 1]
    if (until === undefined) return carets
    const selected = places.find(({ start, end }) => start <= cut && end >= until)
    return [...carets, markOf(text.slice(cut, until), selected?.person)]
  })
}

function markOf(text: string, person: Person | undefined): Node {
  if (person === undefined) return document.createTextNode(text)
  const mark = document.createElement('mark')
  mark.style.setProperty('--color', person.color)
  mark.textContent = text
  return mark
}

function caretOf({ name, color, ink }: Person): HTMLElement {
  const caret = document.createElement('span')
  caret.className = 'caret'
  caret.dataset.testid = 'caret'
  caret.style.setProperty('--color', color)
  caret.style.setProperty('--ink', ink)
  const flag = document.createElement('span')
  flag.className = 'flag'
  flag.textContent = name
  caret.append(flag)
  return caret
}
