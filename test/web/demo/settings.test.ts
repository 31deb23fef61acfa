import { expect, test } from 'vitest'
import { readSettings } from '../../../web/demo/settings.ts'

const good = { network: 'demo', trustedPoints: ['/ip4/127.0.0.1/tcp/1/ws'] }

test('the query names the storage and identity', () => {
  expect(readSettings(good, new URLSearchParams('name=second')).name).toBe('second')
  expect(readSettings(good, new URLSearchParams()).name).toBe('p2p-pool-demo')
  expect(readSettings(good, new URLSearchParams('name=')).name).toBe('p2p-pool-demo')
  expect(readSettings(good, new URLSearchParams('tab=own')).tabs).toBe('own')
  expect(readSettings(good, new URLSearchParams('tab=other')).tabs).toBe('share')
})

test('without a band the defaults of a page hold', () => {
  expect(readSettings(good, new URLSearchParams()).band).toBeUndefined()
  expect(readSettings({ ...good, band: { min: 1, expected: 2, max: 3 } }, new URLSearchParams()).band).toEqual({
    min: 1,
    expected: 2,
    max: 3
  })
})

test.each([
  [null, 'an object'],
  [{ trustedPoints: [] }, 'network'],
  [{ network: 'demo' }, 'trustedPoints'],
  [{ network: 'demo', trustedPoints: [1] }, 'trustedPoints'],
  [{ ...good, band: { min: 1 } }, 'band'],
  [{ ...good, band: null }, 'band']
])('settings that are wrong are refused, naming what was expected: %j', (json, word) => {
  expect(() => readSettings(json, new URLSearchParams())).toThrow(word)
})
