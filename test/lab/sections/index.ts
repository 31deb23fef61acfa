/** All sections of the laboratory, in the order of the document. */
import type { Section } from '../section.ts'
import { nats } from './nats.ts'
import { newAddress } from './new-address.ts'
import { nodeBehindNat } from './node-behind-nat.ts'
import { only443 } from './only-443.ts'
import { pairsWithStun, pairsWithTurn } from './pairs.ts'

export const sections: readonly Section[] = [nats, pairsWithStun, pairsWithTurn, newAddress, only443, nodeBehindNat]
