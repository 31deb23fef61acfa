import { it } from 'vitest'
import { expectSeedsToHold } from './fault-seeds.ts'

it('seeds 101 to 150: under faults no invariant breaks, and when they end all find together and leave nothing', {
  timeout: 600_000
}, async () => {
  await expectSeedsToHold(101, 150)
})
