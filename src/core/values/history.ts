/** One line of the history that is kept of each point and each peer, and told as it is written. */

/** What happened; the names are those of the original's peers file. */
export type HistoryKind =
  | 'incoming-request'
  | 'rejecting-request'
  | 'request-rejected'
  | 'connection-established'
  | 'disconnection'
  | 'external-disconnection'

/** One line of a history. */
export interface HistoryEvent<Other> {
  readonly kind: HistoryKind
  /** Wall clock, ms since 1970. */
  readonly at: number
  /** The peer met at a point, the point a peer was met at; none where it was not known. */
  readonly other: Other | undefined
}
