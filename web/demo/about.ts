/**
 * What a peer says of itself: its kind and its name. This page says no more than the name of its browser, and whether that runs on a phone or
 * a computer; it goes out with the pool's Hello. What comes in is the text of another program: it is read into a short list of kinds, and a name that is
 * cut and cleaned. Nothing of it is proved but the peer id. Pure.
 */

/** As in a Hello, and as the pool keeps it. */
export interface About {
  readonly kind: 'relay' | 'node' | 'page' | 'other'
  /** Of a peer whose operator named it; empty: it has none. */
  readonly name: string
  /** Of a page: one of `browsers`, or empty. */
  readonly browser: string
  /** Of a page. */
  readonly device: 'phone' | 'computer' | ''
}

const kinds = ['relay', 'node', 'page', 'other'] as const
const devices = ['phone', 'computer'] as const

/** The first that matches names the browser: most of them carry the names of older ones. */
const browsers: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Edge', /\bEdgA?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(Headless)?Chrom(e|ium)\/|\bCriOS\//],
  ['Safari', /\bSafari\//]
]

/** Characters. A longer name would push what is beside it out of its line. */
const maxName = 32
/** Bytes. What is longer than anything this page sends is not read. */
const maxBytes = 512

/** Of this browser, by its user agent. */
export function aboutBrowser(userAgent: string): About {
  const browser = browsers.find(([, pattern]) => pattern.test(userAgent))?.[0] ?? ''
  return { kind: 'page', name: '', browser, device: /Mobi|Android|iPhone|iPad/.test(userAgent) ? 'phone' : 'computer' }
}

/** The agent string of libp2p's identify, read for a peer whose Hello has no name and no kind. */
export function aboutAgent(agent: string): About | undefined {
  const text = agent.slice(0, maxBytes)
  if (/ browser\//.test(text)) return aboutBrowser(text)
  if (/ node\//.test(text)) return { ...nothing, kind: 'node' }
  const program = /^(go-libp2p|kubo|go-ipfs|rust-libp2p|js-libp2p|nim-libp2p|jvm-libp2p|cpp-libp2p)\b/.exec(text)?.[1]
  return program === undefined ? undefined : { ...nothing, name: program }
}

export function encodeAbout(about: About): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(about))
}

/** Never throws: what makes no sense is nothing. */
export function decodeAbout(bytes: Uint8Array | undefined): About | undefined {
  if (bytes === undefined || bytes.length === 0 || bytes.length > maxBytes) return undefined
  try {
    return readAbout(JSON.parse(new TextDecoder().decode(bytes)))
  } catch {
    // Another program's metadata.
    return undefined
  }
}

/** Of JSON, from a peer or from this browser's database. Never throws. */
export function readAbout(json: unknown): About | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const { kind, name, browser, device } = json as Record<string, unknown>
  const known = kinds.find((one) => one === kind)
  if (known === undefined) return undefined
  return {
    kind: known,
    name: typeof name === 'string' ? cleanName(name) : '',
    browser: browsers.find(([one]) => one === browser)?.[0] ?? '',
    device: devices.find((one) => one === device) ?? ''
  }
}

/** One short line: no control characters, none that turn the direction of writing, no towers of accents. */
export function cleanName(text: string): string {
  const line = text
    .slice(0, 4 * maxName)
    .normalize('NFC')
    .replaceAll(/\p{M}{2,}/gu, '')
    .replaceAll(/[\p{C}\p{Z}\s]+/gu, ' ')
    .trim()
  const characters = [...line]
  return characters.length <= maxName ? line : `${characters.slice(0, maxName - 1).join('')}…`
}

const nothing: About = { kind: 'other', name: '', browser: '', device: '' }

/** What the kind is called: "Chrome on a phone". */
export function kindWords({ kind, browser, device }: About): string {
  if (kind === 'relay') return 'relay'
  if (kind === 'node') return 'Node'
  if (kind === 'other') return 'unknown program'
  const where = device === '' ? '' : ` on a ${device}`
  return browser === '' ? `page${where}` : `${browser}${where}`
}

/** What the peer is called: its own name, or its kind. */
export function titleOf(about: About): string {
  return about.name === '' ? sentenceCase(kindWords(about)) : about.name
}

/** What the peer is called in a line, before the end of its id: shorter than its title. Empty: nothing is known. */
export function callOf(about: About): string {
  const { kind, name, browser, device } = about
  if (name !== '' || kind === 'relay' || kind === 'node') return titleOf(about)
  if (kind === 'other') return ''
  return `${browser === '' ? 'Page' : browser}${device === 'phone' ? ' on a phone' : ''}`
}

/** Short enough for the picture. */
export function labelOf({ kind, name, browser, device }: About): string {
  if (kind === 'relay') return 'relay'
  if (name !== '') return name.length <= 12 ? name : `${name.slice(0, 11)}…`
  if (kind !== 'page') return kind === 'node' ? 'Node' : ''
  const short = browser === 'Samsung Internet' ? 'Samsung' : browser
  return [short === '' ? 'page' : short, ...(device === 'phone' ? ['phone'] : [])].join(', ')
}

/** A name is no proof: that is said where there is room for it. */
export function saidWords(about: About | undefined): string {
  if (about === undefined) return 'It has not said what it is. Its id is proved.'
  return `It says that it is ${about.name === '' ? '' : `“${about.name}”, `}${article(about)} ${kindWords(about)}. Anybody can say so; only its id is proved.`
}

function article({ kind, browser }: About): string {
  return kind === 'other' || /^[AEIO]/.test(browser) ? 'an' : 'a'
}

function sentenceCase(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
