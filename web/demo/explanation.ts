/** Why a point or peer is not connected and when it is tried next, in the pool's own words. Asked again with each drawing. */
import type { PeerId, Point } from '../../src/core/index.ts'
import { el, setText } from './dom.ts'
import { shortenIds } from './format.ts'
import type { Page } from './page.ts'

export interface ExplanationLine {
  readonly element: HTMLElement
  /** Never rejects: what the pool does not say is not shown. */
  show(): void
}

export function explanation({ pool }: Pick<Page, 'pool'>, what: Point | PeerId): ExplanationLine {
  const element = el('p', { class: 'why', 'data-testid': 'why' })
  const ask = async () => {
    const { text } = await pool.explain(what)
    setText(element, asSentence(text))
  }
  return { element, show: () => void ask().catch((error: unknown) => setText(element, asSentence(String(error)))) }
}

/** The core's explanations are parts of sentences. */
export function asSentence(text: string): string {
  const short = shortenIds(text)
  return `${short.charAt(0).toUpperCase()}${short.slice(1)}${/[.!?…]$/.test(short) ? '' : '.'}`
}
