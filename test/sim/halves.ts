/** Two halves of a world's pools. */

import type { Random } from '../../src/core/values/ports.ts'
import { shuffled } from '../../src/core/values/random-order.ts'
import type { Machine } from './machine.ts'
import type { MachineKind } from './playground-figures.ts'

const kinds: readonly MachineKind[] = ['relay', 'node', 'page']

/** Each pool in one of the two, by chance; each kind is divided evenly. Of an odd number the first half has one more. */
export function halvesOf(
  pools: readonly Machine[],
  { kindOf, random }: { readonly kindOf: (machine: Machine) => MachineKind; readonly random: Random }
): readonly [readonly Machine[], readonly Machine[]] {
  const byKind = kinds.flatMap((kind) =>
    shuffled(
      pools.filter((machine) => kindOf(machine) === kind),
      random
    )
  )
  return [byKind.filter((_, i) => i % 2 === 0), byKind.filter((_, i) => i % 2 === 1)]
}
