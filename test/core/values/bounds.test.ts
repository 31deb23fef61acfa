import { expect, it } from 'vitest'
import { maintenanceBounds } from '../../../src/core/values/bounds.ts'

const bands: readonly (readonly [number, number, number, readonly [number, number, number, number, number]])[] = [
  [10, 50, 100, [23, 36, 43, 68, 84]],
  [3, 5, 10, [3, 3, 4, 8, 9]],
  [1, 2, 3, [1, 1, 1, 3, 3]],
  [5, 5, 5, [5, 5, 5, 5, 5]],
  [0, 0, 0, [0, 0, 0, 0, 0]],
  [4, 6, 8, [4, 4, 5, 8, 8]],
  [0, 3, 6, [1, 2, 2, 4, 5]],
  [0, 0, 100, [0, 0, 0, 34, 67]]
]

for (const [min, expected, max, [minThreshold, minTarget, aim, maxTarget, maxThreshold]] of bands) {
  it(`a band of ${min}/${expected}/${max} is kept with ${minThreshold}, ${minTarget}, ${aim}, ${maxTarget}, ${maxThreshold}`, () => {
    expect(maintenanceBounds({ min, expected, max })).toEqual({ minThreshold, minTarget, aim, maxTarget, maxThreshold })
  })
}

it('the bounds of every band are in order', () => {
  for (let min = 0; min < 12; min++) {
    for (let expected = min; expected < 16; expected++) {
      for (let max = expected; max < 24; max++) {
        const { minThreshold, minTarget, aim, maxTarget, maxThreshold } = maintenanceBounds({ min, expected, max })
        const all = [min, minThreshold, minTarget, aim, expected, maxTarget, maxThreshold, max]
        expect(all, `${min}/${expected}/${max}`).toEqual(all.toSorted((a, b) => a - b))
      }
    }
  }
})
