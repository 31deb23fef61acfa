import { expect, test } from 'vitest'
import { eventually } from '../../../node/cli/demo-facts.ts'
import { comeAndGo } from '../../../node/cli/demo-guest.ts'

function guest(failures = 0) {
  const told: string[] = []
  let left = failures
  return {
    told,
    async start() {
      left -= 1
      if (left >= 0) throw new Error('port taken')
      told.push('start')
    },
    async stop() {
      told.push('stop')
    }
  }
}

const times = (told: string[]) => ({
  hereMs: 5,
  awayMs: 5,
  came: () => told.push('came'),
  went: () => told.push('went'),
  failed: (error: unknown) => told.push(String(error))
})

test('it comes and goes, again and again, until the end: then it is gone', async () => {
  const peer = guest()
  const end = new AbortController()
  const visits = comeAndGo(peer, end.signal, times(peer.told))
  await eventually(() => peer.told.length >= 8 || undefined, { expected: 'two visits', seen: () => peer.told })
  end.abort()
  await visits
  expect(peer.told.slice(0, 8)).toEqual(['start', 'came', 'stop', 'went', 'start', 'came', 'stop', 'went'])
  expect(peer.told.at(-1)).toBe('stop')
})

test('it stays away while it may not come', async () => {
  const peer = guest()
  const end = new AbortController()
  let asked = 0
  const visits = comeAndGo(peer, end.signal, { ...times(peer.told), mayCome: () => ++asked > 3 })
  await eventually(() => peer.told.length >= 4 || undefined, { expected: 'a visit', seen: () => peer.told })
  end.abort()
  await visits
  expect(asked).toBeGreaterThan(3)
  expect(peer.told.slice(0, 2)).toEqual(['start', 'came'])
})

test('one that cannot come says so and tries again', async () => {
  const peer = guest(1)
  const end = new AbortController()
  const visits = comeAndGo(peer, end.signal, times(peer.told))
  await eventually(() => peer.told.includes('came') || undefined, { expected: 'a visit', seen: () => peer.told })
  end.abort()
  await visits
  expect(peer.told[0]).toBe('Error: port taken')
})

test('an end while it is here does not wait for the visit to be over', async () => {
  const peer = guest()
  const end = new AbortController()
  const visits = comeAndGo(peer, end.signal, { ...times(peer.told), hereMs: 3_600_000 })
  await eventually(() => peer.told.includes('came') || undefined, { expected: 'a visit' })
  end.abort()
  await visits
  expect(peer.told.at(-1)).toBe('stop')
})
