/**
 * Short on the page, in full at hand: whatever carries `data-full` shows it when pointed at or focused, whatever carries
 * `data-copy` copies it when pressed. One listener for the whole page, so that rows cost nothing.
 */
import { byId, setText } from './dom.ts'

const marginPx = 8

export function listenForFullTexts(): void {
  const tip = byId('tip', HTMLDivElement)
  let shownFor: Element | undefined

  const hide = () => {
    if (shownFor === undefined) return
    shownFor = undefined
    tip.hidePopover()
  }
  const show = (target: Element, text: string) => {
    setText(tip, text)
    if (shownFor === undefined) tip.showPopover()
    shownFor = target
    place(tip, target)
  }
  const showFullOf = (event: Event) => {
    const target = closest(event, '[data-full]')
    // The tip itself may be pointed at, to select the text in it.
    if (target === null && event.target !== tip) hide()
    else if (target !== null && target !== shownFor) show(target, target.getAttribute('data-full') ?? '')
  }
  document.addEventListener('pointerover', showFullOf)
  document.addEventListener('focusin', showFullOf)
  document.addEventListener('focusout', hide)
  document.addEventListener('scroll', hide, { capture: true, passive: true })
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hide()
  })
  document.addEventListener('click', (event) => {
    const target = closest(event, '[data-copy]')
    if (target === null) return
    const text = target.getAttribute('data-copy') ?? ''
    void copy(text).then((done) => show(target, done ? 'Copied' : `Could not copy; here it is: ${text}`))
  })
}

function closest(event: Event, selector: string): Element | null {
  return event.target instanceof Element ? event.target.closest(selector) : null
}

/** Below the target, or above it where there is no room. */
function place(tip: HTMLElement, target: Element): void {
  const at = target.getBoundingClientRect()
  const { width, height } = tip.getBoundingClientRect()
  const left = Math.min(at.left, document.documentElement.clientWidth - width - marginPx)
  const below = at.bottom + marginPx
  const top = below + height > innerHeight ? at.top - height - marginPx : below
  tip.style.left = `${Math.max(marginPx, left)}px`
  tip.style.top = `${Math.max(marginPx, top)}px`
}

/** Browsers give the clipboard only to pages from https or localhost, and only if the person allows it. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
