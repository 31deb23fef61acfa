/** What the page and its worker say to each other. */
import type { Look, MarkKind, Story } from '../../test/sim/playground-figures.ts'
import type { Act, WorldSettings } from '../../test/sim/world-settings.ts'

/** Virtual time over real time; 0: as fast as it goes. */
export type Speed = number

export interface Pace {
  readonly speed: Speed
  readonly isPaused: boolean
  /** Until this second of the world it goes as fast as it can. */
  readonly untilS: number
}

export type ToWorker =
  | { readonly kind: 'start'; readonly run: number; readonly world: string; readonly pace: Pace }
  | { readonly kind: 'act'; readonly act: Act }
  | { readonly kind: 'pace'; readonly pace: Pace }

export type FromWorker =
  | { readonly kind: 'world'; readonly run: number; readonly places: Float32Array; readonly kinds: readonly MarkKind[] }
  | ({ readonly kind: 'frame' } & Frame)
  | { readonly kind: 'failed'; readonly message: string }

/** One picture. */
export interface Frame {
  /** Which start it is of: frames of the world before may still be on their way. */
  readonly run: number
  /** The world, with all that was done to it. Not as text: reading a text can fail. */
  readonly settings: WorldSettings
  /** Virtual time, s. With many pools one second can take longer than a picture. */
  readonly nowS: number
  /** Of each second since the last frame. */
  readonly looks: readonly Look[]
  /** Of the last whole second. */
  readonly story: Story
  readonly isPaused: boolean
  /** What each mark is at: see `conditions`. */
  readonly conditions: Uint8Array
  /** Two marks a connection, by their numbers. */
  readonly links: Uint16Array
  /** The half of each mark, 0 or 1, or 2 for both; `undefined`: the network is not split. */
  readonly sides: Uint8Array | undefined
  /** Virtual over real time, of the last second or longer; 0: not known yet. */
  readonly times: number
}

/** What a mark shows. */
export const conditions = { off: 0, low: 1, ok: 2, liar: 3 } as const
