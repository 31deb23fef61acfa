/** The sentences of the playground about what was done to a world, what is planned, and how fast it goes. */
import { type Look, meetS } from '../../test/sim/playground-figures.ts'
import type { Act, WorldSettings } from '../../test/sim/world-settings.ts'

const doneWords: Readonly<Record<Act, string>> = {
  'kill-relays': 'The relays were killed',
  'start-relays': 'The relays were started',
  'kill-half': 'Half of the pools were killed',
  'start-all': 'All pools were started',
  split: 'The network was split',
  heal: 'The halves were joined'
}
const planWords: Readonly<Record<Act, string>> = {
  'kill-relays': 'kill the relays',
  'start-relays': 'start the relays',
  'kill-half': 'kill half of the pools',
  'start-all': 'start all that are down',
  split: 'split the network in two',
  heal: 'join the halves'
}
/** An address may plan hundreds. */
const maxShown = 5
/** Below this share of the speed that was asked for, the page says that it cannot keep up. */
const keepsUp = 0.9

/** What was done last, when the network was hurt, and from when on all was well again; virtual seconds. */
export interface Broken {
  readonly act: Act
  readonly atS: number
  readonly hurtAtS?: number | undefined
  readonly backAtS?: number | undefined
}

/** Each running pool has its minimum, and the network has no more parts than a split makes. */
function isWell({ withMinimum, up, parts, halves }: Look): boolean {
  return withMinimum === up && parts <= halves
}

/** A stopwatch from what was done last to the second from which on all is well. */
export function followed(before: Broken | undefined, look: Look, acts: WorldSettings['acts']): Broken | undefined {
  const last = acts.findLast((one) => one.atS < look.atS)
  if (last === undefined) return before
  const broken: Broken = before?.act === last.act && before.atS === last.atS ? before : last
  if (!isWell(look)) return { ...broken, hurtAtS: broken.hurtAtS ?? look.atS, backAtS: undefined }
  return broken.hurtAtS === undefined ? broken : { ...broken, backAtS: broken.backAtS ?? look.atS }
}

/** How the network took what was done last. */
export function brokenWords({ act, atS, hurtAtS, backAtS }: Broken, look: Look): string {
  const { up, withMinimum, parts, halves } = look
  const isSplit = halves > 1
  const whole = isSplit ? 'each half is one network' : 'the network is in one part'
  const words = [`${doneWords[act]} ${look.atS - atS} s ago.`]
  if (hurtAtS === undefined) words.push(`All pools kept their minimum, and ${whole}.`)
  else if (backAtS !== undefined) words.push(`After ${backAtS - atS} s all pools had their minimum again, and ${whole}.`)
  else {
    const low = up - withMinimum
    if (low > 0) words.push(`${low} of ${up} pools ${low === 1 ? 'has' : 'have'} less than their minimum.`)
    else words.push('All pools have their minimum.')
    if (parts > halves) words.push(isSplit ? `The halves are in ${parts} parts together.` : `The network is in ${parts} parts.`)
  }
  if (isSplit) words.push('The split alone makes two parts: no connection crosses it until you join the halves.')
  return words.join(' ')
}

/** Before anything is done. */
export function unbrokenWords(atS: number): string {
  return atS < meetS ? 'Nothing is broken yet. The pools are still coming.' : 'Nothing is broken yet.'
}

/** Whether missing connections and parts are to be expected: the pools are coming, and nothing was done to them. */
export function isFilling(atS: number, broken: Broken | undefined): boolean {
  return broken === undefined && atS < meetS
}

/** What the address plans, and how far the run is; `undefined`: nothing. What a visitor just pressed is no plan. */
export function planned(acts: WorldSettings['acts'], nowS: number): { readonly words: string; readonly lastS: number } | undefined {
  const coming = acts.filter(({ atS }) => atS > nowS + 1)
  const last = coming.at(-1)
  if (last === undefined) return undefined
  const shown = coming.slice(0, maxShown).map(({ act, atS }) => `${planWords[act]} at ${atS} s`)
  const more = coming.length > maxShown ? `, and ${coming.length - maxShown} more until ${last.atS} s` : ''
  return { words: `Planned by the address: ${shown.join(', ')}${more}. The run is at ${Math.floor(nowS)} s.`, lastS: last.atS }
}

/** Virtual over real time, `asked` and reached. `asked` 0: as fast as it can; `reached` 0: not known yet. */
export function rateWords(reached: number, asked: number): string {
  if (reached === 0) return 'measuring'
  const digits = reached < 0.1 ? 2 : reached < 10 ? 1 : 0
  const shown = `${reached.toFixed(digits)} times real time`
  return asked === 0 || reached < keepsUp * asked ? `${shown}: this machine manages no more` : shown
}
