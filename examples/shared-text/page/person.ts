/** Names and colours: ours, which this browser remembers, and those of the others, who may say anything. */

export interface Person {
  readonly name: string
  /** `#rrggbb` */
  readonly color: string
  /** Black or white: what can be read on the colour. */
  readonly ink: string
}

const maxNameLength = 24
const colors = ['#c2255c', '#9c36b5', '#6741d9', '#1864ab', '#0b7285', '#2b8a3e', '#a84300', '#7a4f01'] as const
const firstWords = ['Amber', 'Brave', 'Calm', 'Dusty', 'Early', 'Gentle', 'Keen', 'Lucky', 'Quiet', 'Silver', 'Swift', 'Warm'] as const
const secondWords = ['Badger', 'Crane', 'Fox', 'Heron', 'Lynx', 'Marten', 'Otter', 'Owl', 'Robin', 'Seal', 'Stoat', 'Wren'] as const

/** A new one for each tab, unless this browser knows a name. */
export function newPerson(): { name: string; color: string } {
  return { name: recall() ?? `${pick(firstWords)} ${pick(secondWords)}`, color: pick(colors) }
}

/** For the next visit. Where the storage does not work the name is a new one then. */
export function remember(name: string): void {
  try {
    localStorage.setItem('shared-text:name', name)
  } catch {
    return
  }
}

function recall(): string | undefined {
  try {
    return tidyName(localStorage.getItem('shared-text:name'))
  } catch {
    return undefined
  }
}

/** `undefined`: it is none. */
export function tidyName(name: unknown): string | undefined {
  if (typeof name !== 'string') return undefined
  // Control characters, and those that turn the direction of the text around them.
  const tidy = name.replaceAll(/[\p{C}\s]+/gu, ' ').trim()
  return [...tidy].slice(0, maxNameLength).join('') || undefined
}

/** What an awareness state says of its person, made safe to show. */
export function personOf(client: number, state: Readonly<Record<string, unknown>>): Person {
  const user: { name?: unknown; color?: unknown } = Object(state.user)
  const { name, color: said } = user
  const color = typeof said === 'string' && /^#[0-9a-f]{6}$/i.test(said) ? said : (colors[client % colors.length] ?? colors[0])
  return { name: tidyName(name) ?? 'Unnamed', color, ink: inkOn(color) }
}

function inkOn(color: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => (Number.parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? '#000000' : '#ffffff'
}

function pick<Word>(words: readonly [Word, ...Word[]]): Word {
  return words[Math.floor(Math.random() * words.length)] ?? words[0]
}
