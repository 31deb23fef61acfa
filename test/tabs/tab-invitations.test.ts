/** Invitations in a pool that tabs share: a tab asks, and the tab that owns the pool works at it. */
import { describe, expect, it } from 'vitest'
import { PoolError } from '../../src/core/index.ts'
import { type Member, MemoryWorld } from '../../src/testing/index.ts'
import { invite, join, runJob } from '../../web/tab-invitations.ts'

const page = { page: true, minByKind: null } as const

/** A tab whose owner runs this pool; what travels between them is cloned. */
function tabOf({ pool }: Member): { request(name: 'invite', args: readonly unknown[], signal?: AbortSignal): Promise<unknown> } {
  return {
    async request(_name, args, signal) {
      signal?.throwIfAborted()
      return structuredClone(await runJob(pool as unknown as Parameters<typeof runJob>[0], structuredClone(args), PoolError))
    }
  }
}

async function twoPages(): Promise<{ world: MemoryWorld; a: Member; b: Member }> {
  const world = new MemoryWorld({ seed: 5 })
  return { world, a: await world.start('A', page), b: await world.start('B', page) }
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => (error instanceof PoolError ? error.code : String(error)))

describe('a tab that does not own the pool', () => {
  it('invites, joins and accepts as if it did', async () => {
    const { world, a, b } = await twoPages()
    const invitation = await invite(tabOf(b), { forMs: 600_000 })
    expect(invitation.text).toMatch(/^p2p-pool:1:i;/)
    const { promise: answer, resolve } = Promise.withResolvers<string>()
    const joined = join(tabOf(a), invitation.text, { onAnswer: resolve })
    const accepted = invitation.accept(await answer)
    expect(await world.clock.until(Promise.all([joined, accepted]))).toEqual(['B', 'A'])
    expect(invitation.usesLeft).toBe(0)
    expect(await codeOf(invitation.accept(await answer))).toBe('invalid-invitation')
  })

  it('ends an invitation, and hears what the pool refuses', async () => {
    const { a, b } = await twoPages()
    const invitation = await invite(tabOf(b), {})
    invitation.end()
    const { promise: answer, resolve } = Promise.withResolvers<string>()
    const gaveUp = new AbortController()
    const joined = codeOf(join(tabOf(a), invitation.text, { onAnswer: resolve, signal: gaveUp.signal }))
    expect(await codeOf(invitation.accept(await answer))).toBe('invalid-invitation')
    gaveUp.abort(new Error('enough'))
    expect(await codeOf(invite(tabOf(b), { uses: 0 }))).toBe('invalid-argument')
    expect(await codeOf(join(tabOf(a), 'nonsense'))).toBe('invalid-invitation')
    expect(await codeOf(invite(tabOf(b), { signal: AbortSignal.abort(new Error('no')) }))).toBe('Error: no')
    void joined
  })

  it('sees that an answer which fails ended the invitation', async () => {
    const { world, a, b } = await twoPages()
    const invitation = await invite(tabOf(b), {})
    const gaveUp = new AbortController()
    const answer = await new Promise<string>((resolve) => {
      join(tabOf(a), invitation.text, { onAnswer: resolve, signal: gaveUp.signal }).catch(() => undefined)
    })
    a.network.isOffline = true
    const accepted = codeOf(invitation.accept(answer))
    expect(await world.clock.until(accepted)).toBe('rejected')
    expect(invitation.usesLeft).toBe(0)
    gaveUp.abort()
  })

  it('asks a new owner in vain for what the last one began', async () => {
    const tab = tabOf((await twoPages()).a)
    expect(await codeOf(tab.request('invite', [{ job: 'x', ask: 'wait' }]))).toBe('no-owner')
    expect(await codeOf(tab.request('invite', [{ job: 'x', ask: 'start', verb: 'toString' }]))).toBe('not-understood')
    expect(await codeOf(tab.request('invite', []))).toBe('no-owner')
  })
})
