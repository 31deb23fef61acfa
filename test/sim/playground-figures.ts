/** What a world of the playground is made of and what is measured there: values alone, which the page has without the simulator. */

/** What an honest pool is. */
export type MachineKind = 'relay' | 'node' | 'page'
/** What stands on the map: honest pools, and liars, which run no pool. */
export type MarkKind = MachineKind | 'liar'

/** One look at the world. */
export interface Look {
  /** Virtual time, s. */
  readonly atS: number
  /** Honest pools that run, and those of them with at least their minimum. */
  readonly up: number
  readonly withMinimum: number
  /** A relay takes all that come, so its connections say nothing about a band. */
  readonly relays: Connected
  /** Node peers and pages. */
  readonly others: Connected
  /** Parts that the network has fallen into; 1: everybody reaches everybody, over others. */
  readonly parts: number
  /** Parts that it has at least, because it is split; 1: it is not split. */
  readonly halves: number
  /** Dials since the last look, and those of them that made a connection. */
  readonly dials: number
  readonly opened: number
  /** Shares of what honest pools know and are connected with that is hostile, from 0 to 1. */
  readonly hostileKnown: number
  readonly hostileConnected: number
}

/** Some of the pools that run, and their connections. */
export interface Connected {
  readonly up: number
  readonly withMinimum: number
  readonly least: number
  readonly mean: number
  readonly most: number
}

/** What a run was like from its beginning on. The page and `npm run sim` show the same. */
export interface Story {
  readonly atS: number
  /** Share of the pools' time in which they had at least their minimum, from the tenth second on. */
  readonly timeWithMinimum: number
  /** Seconds in which the network was in parts, from the thirtieth on: until then they find each other. */
  readonly splitS: number
  readonly deaths: number
  readonly dials: number
  readonly opened: number
  /** All that happened, as one number. */
  readonly hash: string
}

/** The first seconds in which a network comes about are not counted, s. */
export const fillS = 10
export const meetS = 30
