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
  return { element, show: askedAtTimes(ask, (error) => setText(element, asSentence(error.message))) }
}

/** The pool may run in another tab: it is not asked for each frame. */
const askEveryMs = 400

/** Asks when called, unless the last question is recent or not answered yet. What goes wrong goes to `failed`. */
export function askedAtTimes(ask: () => Promise<void>, failed: (error: Error) => void, everyMs = askEveryMs): () => void {
  let isWaiting = false
  let lastAt = Number.NEGATIVE_INFINITY
  const run = async () => {
    isWaiting = true
    lastAt = performance.now()
    try {
      await ask()
    } catch (error) {
      failed(error instanceof Error ? error : new Error(String(error)))
    } finally {
      isWaiting = false
    }
  }
  return () => {
    if (!isWaiting && performance.now() - lastAt >= everyMs) void run()
  }
}

/** The core's explanations are parts of sentences. */
export function asSentence(text: string): string {
  const short = shortenIds(text)
  return `${short.charAt(0).toUpperCase()}${short.slice(1)}${/[.!?…]$/.test(short) ? '' : '.'}`
}
