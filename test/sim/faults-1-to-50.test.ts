import { it } from 'vitest'
import { expectSeedsToHold } from './fault-seeds.ts'

it('seeds 1 to 50: under faults no invariant breaks, and when they end all find together and leave nothing', async () => {
  await expectSeedsToHold(1, 50)
})
