/** The card for a phone: the page's address in the network as a QR code, or how to get one; and what a page without https lacks. */
import { encode } from 'uqr'
import { byId, setAttribute, setHidden, setText, svgEl } from './dom.ts'
import type { DemoSettings } from './settings.ts'

/** Cells of white around a code; readers need them. */
const border = 3

export function showPhone({ address }: Pick<DemoSettings, 'address'>): void {
  const link = byId('phone-link', HTMLAnchorElement)
  setHidden(byId('phone-code', HTMLDivElement), address === undefined)
  setHidden(byId('phone-how', HTMLParagraphElement), address !== undefined)
  setHidden(byId('no-https', HTMLDivElement), globalThis.isSecureContext)
  // Its buttons that copy could not.
  setAttribute(document.body, 'data-no-copy', !globalThis.isSecureContext)
  if (address === undefined) return
  byId('phone-picture', HTMLDivElement).replaceChildren(qrCode(address))
  setText(link, address.replace(/^http:\/\/|\/$/g, ''))
  setAttribute(link, 'href', address)
}

/** Dark on light in any theme: not all readers know it the other way round. */
export function qrCode(
  text: string,
  { label = `QR code of ${text}`, ecc = 'M' }: { readonly label?: string; readonly ecc?: 'L' | 'M' } = {}
): SVGSVGElement {
  const { data, size } = encode(text, { border, ecc })
  const cells = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])))
  return svgEl('svg', { viewBox: `0 0 ${size} ${size}`, class: 'qr', role: 'img', 'aria-label': label }, [
    svgEl('rect', { width: String(size), height: String(size), fill: '#ffffff' }),
    svgEl('path', { d: cells.join(''), fill: '#000000' })
  ])
}
