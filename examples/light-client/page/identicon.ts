/** A small picture per peer id, so that people tell peers apart at a glance. Decoration: the id is always beside it. */

const svg = 'http://www.w3.org/2000/svg'

/** FNV-1a: even over short texts, and the same on every page, so that two people see the same picture. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  // The last characters reach the high bits only after some more mixing.
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d)
  return (value ^ (value >>> 13)) >>> 0
}

export function hueOf(peerId: string): number {
  return hash(peerId) % 360
}

/** 15 bits, about half of them set: pictures that are nearly empty or nearly full look alike. */
function cellsOf(peerId: string): number {
  const bits = hash(`${peerId}/cells`) & 0x7fff
  const set = bits.toString(2).replaceAll('0', '').length
  return set < 6 ? bits ^ 0x7fff : bits
}

/** Five by five cells, the right half mirrors the left. */
export function identicon(peerId: string): SVGSVGElement {
  const bits = cellsOf(peerId)
  const picture = document.createElementNS(svg, 'svg')
  picture.setAttribute('viewBox', '0 0 7 7')
  picture.setAttribute('class', 'identicon')
  picture.setAttribute('aria-hidden', 'true')
  picture.style.setProperty('--hue', String(hueOf(peerId)))
  let path = ''
  for (let column = 0; column < 3; column += 1) {
    for (let line = 0; line < 5; line += 1) {
      if ((bits & (1 << (column * 5 + line))) === 0) continue
      path += `M${column + 1} ${line + 1}h1v1h-1z`
      if (column < 2) path += `M${5 - column} ${line + 1}h1v1h-1z`
    }
  }
  const cells = document.createElementNS(svg, 'path')
  cells.setAttribute('d', path)
  picture.append(cells)
  return picture
}
