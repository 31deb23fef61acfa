import { expect, test } from 'vitest'
import { checkSpellings } from '../support/spellings.ts'

test('20,000 spellings of addresses: each point is dialed at the host that was checked, and none gets round a gater', async () => {
  const seed = Date.now() % 1_000_000
  const { accepted, examples } = await checkSpellings(20_000, seed)
  expect(examples, `seed ${seed}`).toEqual([])
  expect(accepted, `seed ${seed}`).toBeGreaterThan(2_000)
})

test('one seed gives the same texts again', async () => {
  expect(await checkSpellings(200, 7)).toEqual(await checkSpellings(200, 7))
})
