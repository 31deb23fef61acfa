/**
 * A world of the playground as one line of text, `pools=200&seed=1&pages=50`: the part of the page's address after `#`, and the option
 * `--world` of `npm run sim`. The same text gives the same run in both.
 */

/** What a visitor may do to a world. */
export const acts = ['kill-relays', 'start-relays', 'kill-half', 'start-all', 'split', 'heal'] as const
export type Act = (typeof acts)[number]

export interface WorldSettings {
  /** Honest pools: relays, Node peers and pages. */
  readonly pools: number
  readonly seed: number
  /** The band of every pool. */
  readonly min: number
  readonly expected: number
  readonly max: number
  /** Pools that die in a minute and come back within the next, percent. */
  readonly churn: number
  /** Pools that nobody can dial but over a relay, percent: pages, and peers behind a NAT. */
  readonly pages: number
  /** How many of the pools are relays. All pools know them by configuration. */
  readonly relays: number
  /** Hostile peers, percent of the pools, which advertise addresses where nobody is. */
  readonly liars: number
  /** What is done to the world, in the order of time. */
  readonly acts: readonly { readonly atS: number; readonly act: Act }[]
}

/** The whole numbers, with their limits and what they are by default. */
export const worldRanges = {
  pools: { from: 2, to: 1_000, by: 100 },
  seed: { from: 0, to: 999_999, by: 1 },
  min: { from: 0, to: 50, by: 4 },
  expected: { from: 1, to: 50, by: 8 },
  max: { from: 1, to: 50, by: 12 },
  churn: { from: 0, to: 50, by: 5 },
  pages: { from: 0, to: 100, by: 60 },
  relays: { from: 1, to: 20, by: 3 },
  liars: { from: 0, to: 50, by: 0 }
} as const satisfies Readonly<Record<Exclude<keyof WorldSettings, 'acts'>, { from: number; to: number; by: number }>>

type Name = keyof typeof worldRanges
const names = Object.keys(worldRanges) as Name[]
/** An address may be typed by anybody: more acts are not read. */
export const maxActs = 200
export const maxAtS = 1_000_000

/** Names that are left out have their defaults. Throws `RangeError` that names what was expected and what came. */
export function readWorld(text: string): WorldSettings {
  const given = new URLSearchParams(text)
  for (const name of given.keys()) {
    if (name !== 'acts' && !Object.hasOwn(worldRanges, name))
      throw new RangeError(`unknown setting ${JSON.stringify(name.slice(0, 40))}: expected one of ${[...names, 'acts'].join(', ')}`)
  }
  const settings = Object.fromEntries(names.map((name) => [name, whole(name, given.get(name))])) as Record<Name, number>
  const { min, expected, max, relays, pools } = settings
  if (!(min <= expected && expected <= max)) throw new RangeError(`expected min <= expected <= max, got ${min}, ${expected}, ${max}`)
  if (relays > pools) throw new RangeError(`expected at most ${pools} relays, got ${relays}`)
  return { ...settings, acts: readActs(given.get('acts') ?? '') }
}

/** Why a world takes no further act at that second; `undefined`: it takes one. What a world takes, `readWorld` reads. */
export function whyNoAct({ acts: done }: Pick<WorldSettings, 'acts'>, atS: number): string | undefined {
  if (done.length >= maxActs)
    return `This world takes nothing more: ${maxActs} things are its limit. “From the beginning” starts a new one.`
  if (atS > maxAtS) return `This world takes nothing more after ${maxAtS} s. “From the beginning” starts a new one.`
  return undefined
}

/** What differs from the defaults, in the order of the table. */
export function writeWorld(settings: WorldSettings): string {
  const parts = names.filter((name) => settings[name] !== worldRanges[name].by).map((name) => `${name}=${settings[name]}`)
  if (settings.acts.length > 0) parts.push(`acts=${settings.acts.map(({ atS, act }) => `${act}@${atS}`).join(',')}`)
  return parts.join('&')
}

function whole(name: Name, text: string | null): number {
  const { from, to, by } = worldRanges[name]
  if (text === null) return by
  const value = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN
  if (value >= from && value <= to) return value
  throw new RangeError(`${name}: expected a whole number from ${from} to ${to}, got ${JSON.stringify(text.slice(0, 40))}`)
}

function readActs(text: string): WorldSettings['acts'] {
  const parts = text.split(',').filter((part) => part !== '')
  if (parts.length > maxActs) throw new RangeError(`acts: expected at most ${maxActs}, got ${parts.length}`)
  const read = parts.map((part) => {
    const [, name, at] = /^([a-z-]+)@(\d{1,7})$/.exec(part) ?? []
    const act = acts.find((one) => one === name)
    if (act !== undefined && Number(at) <= maxAtS) return { atS: Number(at), act }
    throw new RangeError(
      `acts: expected ${acts.join(', ')} with a second, such as kill-relays@60, got ${JSON.stringify(part.slice(0, 40))}`
    )
  })
  return read.sort((a, b) => a.atS - b.atS)
}
