import { it } from 'vitest'
import { expectSeedsToHold } from './fault-seeds.ts'

it('seeds 151 to 200: under faults no invariant breaks, and when they end all find together and leave nothing', {
  timeout: 600_000
}, async () => {
  await expectSeedsToHold(151, 200)
})
