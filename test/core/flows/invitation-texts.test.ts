/** The text of an invitation is that of an unknown peer. */
import { describe, expect, it } from 'vitest'
import { PoolError } from '../../../src/core/index.ts'
import { type Member, type MemberOptions, MemoryWorld } from '../../../src/testing/index.ts'

const page: MemberOptions = { page: true, minByKind: null }

async function twoPages(): Promise<{ world: MemoryWorld; a: Member; b: Member }> {
  const world = new MemoryWorld({ seed: 23 })
  return { world, a: await world.start('A', page), b: await world.start('B', page) }
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => (error instanceof PoolError ? (error.rejection?.kind ?? error.code) : String(error)))
const messageOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => (error as Error).message)

describe('a hostile text', () => {
  it('brings no control character and no password into an error', async () => {
    const { a, b } = await twoPages()
    const { text } = await b.pool.invite()
    const fields = text.split(';')
    const name = '\u001b[31m\u202e\u2066'.repeat(500)
    const hostile = [
      ...['\u001b[2J\u202eabc', 'p2p-pool:\u001b[31m\u202e:', 'ufrag,passwordOfTheOffer,hash;', 'passwordOfTheOffer'],
      fields.map((old, i) => (i === 3 ? encodeURIComponent(name.slice(0, 300)) : old)).join(';')
    ]
    for (const given of hostile) {
      const message = String(await messageOf(a.pool.join(given)))
      expect(message).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
      expect(message).not.toContain('passwordOfThe')
      expect(message.length).toBeLessThan(400)
      expect(await codeOf(a.pool.join(given))).toBe('invalid-invitation')
    }
  })
})

describe('the points of a text', () => {
  it('are those of an unknown peer: dialed once, at ports of peers, and forgotten', async () => {
    const { world, a, b } = await twoPages()
    const { text } = await b.pool.invite()
    const fields = text.split(';')
    const dialed: string[] = []
    const dial = a.network.dial.bind(a.network)
    a.network.dial = (point, options) => {
      dialed.push(point)
      return dial(point, options)
    }
    const points = ['/ip4/203.0.113.2/tcp/25', '/ip4/203.0.113.2/tcp/110~', '/ip4/203.0.113.2/tcp/443', '/ip4/203.0.113.2/tcp/8333']
    const joining = a.pool.join(fields.map((old, i) => (i === 5 ? points.join(',') : old)).join(';'))
    expect(await codeOf(world.clock.until(joining))).toBe('dial-failed')
    expect(dialed).toEqual(['/ip4/203.0.113.2/tcp/443', '/ip4/203.0.113.2/tcp/8333'])
    await world.clock.advance(600_000)
    expect(dialed).toHaveLength(2)
    expect(a.pool.snapshot().points).toEqual([])
  })
})
