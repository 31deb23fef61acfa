/** How a peer can be proven wrong: a closed list. Anybody who has the bytes can check each of them, now or later. */
import type { HeaderFault } from '../chain/rules.ts'

export type LieKind =
  /** A header that breaks a rule of the chain: forged work, a false height, … */
  | HeaderFault
  /** An answer that does not follow what was asked, or not itself. */
  | 'link'
  /** It claims a head and, asked, does not show the headers that lead there. */
  | 'withheld'
  /** It claimed a head and now claims less. */
  | 'retracted'
  /** The head it claims exists, with another height or other work. */
  | 'claim'
  /** An answer to nothing that was asked, or a second one. */
  | 'unasked'
  /** More headers than were asked for. */
  | 'too-many'

export interface Lie {
  readonly kind: LieKind
  /** One sentence with what came and what it should have been. */
  readonly detail: string
}

/** For tables and log lines. */
export const lieNames: Readonly<Record<LieKind, string>> = {
  height: 'False height',
  time: 'False time',
  difficulty: 'False difficulty',
  work: 'No proof of work',
  checkpoint: 'Another chain',
  link: 'Broken link',
  withheld: 'Headers withheld',
  retracted: 'Claim taken back',
  claim: 'False claim',
  unasked: 'Answer nobody asked for',
  'too-many': 'Too many headers'
}
