/** Address texts made of all components of multiaddrs: does any lead elsewhere than to the host that the pool checks? */
import { checkSpellings } from '../../support/spellings.ts'
import { findingOf, type Row } from '../kit/row.ts'

const count = 1_000_000
const seed = 20_261

async function spellMany() {
  const { accepted, mismatches, privateDials, bannedDials, examples } = await checkSpellings(count, seed)
  for (const example of examples) console.error(example)
  return findingOf({
    measured: `${accepted} of ${count} taken for points: ${mismatches} lead to another host, ${privateDials} private dials, ${bannedDials} dials to a banned host`,
    isMet: accepted > 0 && mismatches === 0 && privateDials === 0 && bannedDials === 0
  })
}

export const spellingRows: readonly Row[] = [
  {
    name: 'spellings',
    attack: 'advertised points in 10^6 spellings, generated from all multiaddr components',
    target: '0 whose dialed host differs from the checked one; 0 private dials',
    deadlineMs: 600_000,
    run: spellMany
  }
]
