/** What happened to a point or a peer: the last events are kept of each, oldest first, and saved with it. */

/** Events kept per point and per peer; the figure of Octez. A larger one costs memory for each known point and peer. */
export const maxEventsKept = 100

/** The names are those of the events. docs/events.md says what Octez calls them. */
export const historyKinds = [
  'handshake-started',
  'handshake-refused',
  'connection-failed',
  'connection-opened',
  'connection-closed',
  'connection-lost'
] as const

/** What may stand in a history: names of events. */
export type HistoryKind = (typeof historyKinds)[number]

/** One line of a history. */
export interface HistoryEvent<Other> {
  /** What happened. */
  readonly kind: HistoryKind
  /** Wall clock, ms since 1970. */
  readonly at: number
  /** The peer at a point, the point of a peer; none where it was not known. */
  readonly other: Other | undefined
}

/** The history with one more event, the oldest dropped when full. */
export function pushEvent<Other>(events: readonly HistoryEvent<Other>[], event: HistoryEvent<Other>): readonly HistoryEvent<Other>[] {
  // A list of the very size: a spread leaves room for sixteen more, for each known point and peer.
  return events.slice(1 - maxEventsKept).concat(event)
}

/** The latest of what happened. */
export function latest<T extends { readonly at: number }>(...events: (T | undefined)[]): T | undefined {
  let last: T | undefined
  for (const event of events) if (event !== undefined && (last === undefined || event.at > last.at)) last = event
  return last
}
