/** An answer that leads to no connection: one offer has one answer all the same. */
import { describe, expect, it } from 'vitest'
import type { Invitation } from '../../../src/core/index.ts'
import { type Member, type MemberOptions, MemoryWorld } from '../../../src/testing/index.ts'

const page: MemberOptions = { page: true, minByKind: null }

/** Nothing connects the two, and no server is there. B invites. */
async function twoPages(): Promise<{ world: MemoryWorld; a: Member; b: Member }> {
  const world = new MemoryWorld({ seed: 23 })
  return { world, a: await world.start('A', page), b: await world.start('B', page) }
}

/** The answer that a newcomer makes: its join goes on until the signal fires. */
async function answerOf(newcomer: Member, text: Invitation['text'], signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    newcomer.pool.join(text, { onAnswer: resolve, signal }).catch(reject)
  })
}

/** Of a call that must reject. */
const errorOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error as Error
  )

describe('an answer', () => {
  it('that leads nowhere is given up after 30 s, and ends an invitation without points', async () => {
    const { world, a, b } = await twoPages()
    const invitation = await b.pool.invite({ uses: 3 })
    const gaveUp = new AbortController()
    const answer = await answerOf(a, invitation.text, gaveUp.signal).finally(() => gaveUp.abort())
    const accepted = errorOf(invitation.accept(answer))
    await world.clock.advance(30_001)
    expect(await accepted).toMatchObject({ code: 'rejected', rejection: { kind: 'timeout' } })
    expect((await accepted).message).toContain('this invitation has ended: make a new invitation')
    expect(invitation.usesLeft).toBe(0)
    const again = await errorOf(invitation.accept(answer))
    expect(again).toMatchObject({ code: 'invalid-invitation' })
    expect(again.message).toBe('the invitation has ended: its one answer led to no connection; make a new invitation')
  })

  it('that leads nowhere leaves the points of an invitation', async () => {
    const world = new MemoryWorld({ seed: 23 })
    const b = await world.start('B')
    const [a, c] = [await world.start('A', page), await world.start('C', page)]
    const invitation = await b.pool.invite()
    const gaveUp = new AbortController()
    const onlyOffer = invitation.text.replace(/;[^;]*(;offer-)/, ';$1')
    const answer = await answerOf(a, onlyOffer, gaveUp.signal).finally(() => gaveUp.abort())
    const accepted = errorOf(invitation.accept(answer))
    await world.clock.advance(30_001)
    expect((await accepted).message).toContain('serves only by its addresses now: make a new invitation')
    expect(invitation.usesLeft).toBe(1)
    expect((await errorOf(invitation.accept(answer))).message).toContain('answered already')
    expect(await world.clock.until(c.pool.join(invitation.text))).toBe('B')
    expect(world.hub.copiedTexts.size).toBe(0)
  })

  it('whose accepting is called off is used all the same', async () => {
    const { world, a, b } = await twoPages()
    const invitation = await b.pool.invite()
    const answer = await answerOf(a, invitation.text)
    a.network.isOffline = true
    const off = new AbortController()
    const accepted = errorOf(invitation.accept(answer, { signal: off.signal }))
    await world.clock.advance(100)
    off.abort(new Error('no patience'))
    expect((await accepted).message).toBe('no patience')
    expect(invitation.usesLeft).toBe(0)
  })
})
