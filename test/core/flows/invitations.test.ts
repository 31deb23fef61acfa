import { describe, expect, it } from 'vitest'
import { type Invitation, PoolError } from '../../../src/core/index.ts'
import type { PeerId } from '../../../src/core/values/ids.ts'
import { type Member, type MemberOptions, MemoryWorld } from '../../../src/testing/index.ts'

const page: MemberOptions = { page: true, minByKind: null }
const id = (name: string): PeerId => name as PeerId

/** Nothing connects the two, and no server is there. B invites. */
async function twoPages(options: MemberOptions = {}): Promise<{ world: MemoryWorld; a: Member; b: Member }> {
  const world = new MemoryWorld({ seed: 23 })
  const a = await world.start('A', page)
  const b = await world.start('B', { ...page, ...options })
  return { world, a, b }
}

interface Followed {
  /** Settle as the calls do: with a peer id, or with the code of the error. */
  readonly joined: Promise<unknown>
  readonly accepted: Promise<unknown>
}

/** One follows the invitation; its answer is carried at once, or changed on the way. */
function follow(newcomer: Member, invitation: Invitation, carry = (answer: string): string => answer): Followed {
  const { promise: accepted, resolve } = Promise.withResolvers<unknown>()
  const onAnswer = (answer: string): void => resolve(codeOf(invitation.accept(carry(answer))))
  return { joined: codeOf(newcomer.pool.join(invitation.text, { onAnswer })), accepted }
}

/** The answer that a newcomer makes, and nothing more: its join goes on until the signal fires. */
async function answerOf(newcomer: Member, text: string, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    newcomer.pool.join(text, { onAnswer: resolve, signal }).catch(reject)
  })
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => (error instanceof PoolError ? (error.rejection?.kind ?? error.code) : String(error)))
/** Of a call that must reject. */
const errorOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error as Error
  )
const messageOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => (error as Error).message)
const peersOf = ({ pool }: Member): PeerId[] => pool.connections.list().map(({ peerId }) => peerId)

describe('an invitation without any server', () => {
  it('brings a newcomer in by an answer that a person carries back a minute later', async () => {
    const { world, a, b } = await twoPages()
    const invitation = await b.pool.invite()
    expect(invitation).toMatchObject({ usesLeft: 1, expiresAt: world.clock.date() + 900_000 })
    let answer = ''
    const joined = a.pool.join(invitation.text, {
      onAnswer: (text) => {
        answer = text
      }
    })
    await world.clock.advance(60_000)
    expect(answer).toMatch(/^p2p-pool:1:a;/)
    expect(await world.clock.until(invitation.accept(answer))).toBe('A')
    expect(await world.clock.until(joined)).toBe('B')
    expect(invitation.usesLeft).toBe(0)
    expect(a.pool.connections.findByPeerId(id('B'))).toMatchObject({ direction: 'outgoing', point: undefined })
    expect(b.pool.connections.findByPeerId(id('A'))).toMatchObject({ direction: 'incoming' })
    await world.clock.advance(1_000)
    expect(world.hub.copiedTexts.size).toBe(0)
    expect([...a.complaints, ...b.complaints]).toEqual([])
  })

  it('reads a text with the spaces and line breaks of a mail', async () => {
    const { world, a, b } = await twoPages()
    const invitation = await b.pool.invite()
    const wrapped = `  ${invitation.text.slice(0, 30)}\r\n ${invitation.text.slice(30)}\n`
    const answer = await answerOf(a, wrapped)
    expect(await world.clock.until(invitation.accept(`${answer.slice(0, 20)}\n${answer.slice(20)} `))).toBe('A')
  })

  it('lets the newcomer in above the target, like a peer that is dialed, and not above the maximum', async () => {
    const world = new MemoryWorld({ seed: 23 })
    const b = await world.start('B', { expectedConnections: 2, maxConnections: 5 })
    const come = async (name: string, how: (pool: Member['pool']) => Promise<unknown>): Promise<unknown> =>
      codeOf(world.clock.until(how((await world.start(name, page)).pool).then(() => 'in')))
    const dial = (pool: Member['pool']): Promise<unknown> => pool.connect(b.network.point)
    for (let i = 0; i < 3; i++) expect(await come(`C${i}`, dial)).toBe('in')
    expect(await come('D', dial)).toBe('rejected-by-peer')
    const invitation = await b.pool.invite({ uses: 2 })
    const join = (pool: Member['pool']): Promise<unknown> => pool.join(invitation.text)
    expect(await come('N', join)).toBe('in')
    await world.clock.advance(10)
    expect(b.pool.activeConnections).toBe(4)
    b.pool.setBand({ min: 0, expected: 4, max: 4 })
    expect(await come('M', join)).toBe('rejected-by-peer')
    expect(invitation.usesLeft).toBe(1)
  })

  it('is not used up by a peer that comes without it', async () => {
    const { world, b } = await twoPages()
    const c = await world.start('C')
    const invitation = await b.pool.invite()
    await world.clock.until(b.pool.connect(c.network.point))
    expect(invitation.usesLeft).toBe(1)
  })

  it('resolves at once for a peer that is connected already', async () => {
    const { world, a, b } = await twoPages()
    await world.clock.until(follow(a, await b.pool.invite()).joined)
    const again = await b.pool.invite()
    expect(await a.pool.join(again.text)).toBe('B')
    expect(again.usesLeft).toBe(1)
  })

  it('cannot be followed without somebody to carry the answer, nor where there is no WebRTC', async () => {
    const { a, b } = await twoPages()
    const { text } = await b.pool.invite()
    expect(await codeOf(a.pool.join(text))).toBe('dial-failed')
    a.network.signalling = undefined
    expect(await codeOf(a.pool.join(text, { onAnswer: () => undefined }))).toBe('dial-failed')
    b.network.signalling = undefined
    expect(await errorOf(b.pool.invite())).toMatchObject({
      code: 'invalid-invitation',
      message: expect.stringContaining('listen at an address, connect with a peer first, or use webRtc')
    })
  })
})

describe('an invitation with points', () => {
  it('is followed by a dial, needs no answer, and serves as many newcomers as it has uses', async () => {
    const world = new MemoryWorld({ seed: 23 })
    const b = await world.start('B')
    const invitation = await b.pool.invite({ uses: 2 })
    const onAnswer = (): never => {
      throw new Error('an answer was made')
    }
    for (const [name, left] of [
      ['A', 1],
      ['C', 0],
      ['D', 0]
    ] as const) {
      const { pool } = await world.start(name, page)
      expect(await world.clock.until(pool.join(invitation.text, { onAnswer }))).toBe('B')
      await world.clock.advance(10)
      expect(invitation.usesLeft).toBe(left)
    }
  })

  it('does not count a newcomer that the pool refused', async () => {
    const world = new MemoryWorld({ seed: 23 })
    const b = await world.start('B', { onAdmit: ({ peerId }) => peerId !== 'A' })
    const a = await world.start('A', page)
    const invitation = await b.pool.invite()
    expect(await codeOf(world.clock.until(a.pool.join(invitation.text, { onAnswer: () => undefined })))).toBe('rejected-by-peer')
    expect(invitation.usesLeft).toBe(1)
  })

  it('goes on with an answer where its points lead nowhere, or to another peer', async () => {
    const world = new MemoryWorld({ seed: 23 })
    const [a, b, c] = [await world.start('A', page), await world.start('B'), await world.start('C')]
    const invitation = await b.pool.invite()
    b.network.announce(...(['/ip4/203.0.113.9/tcp/1'] as never[]))
    c.network.announce(b.network.point)
    const { joined } = follow(a, invitation)
    expect(await world.clock.until(joined)).toBe('B')
    // A stranger's text says nothing of a point for good.
    expect(a.pool.points.info(b.network.point)?.expectedPeerId).toBeUndefined()
    expect(await world.clock.until(a.pool.connect(b.network.point))).toMatchObject({ peerId: 'C' })
  })

  it('leads over a peer that both are connected with', async () => {
    const world = new MemoryWorld({ seed: 23 })
    const c = await world.start('C', { introductions: true })
    const a = await world.start('A', { ...page, introductions: true })
    const b = await world.start('B', { ...page, introductions: true })
    for (const { pool } of [a, b]) await world.clock.until(pool.connect(c.network.point))
    await world.clock.advance(1_000)
    const { text } = await b.pool.invite()
    expect(text).toContain('/p2p/C/p2p-circuit/webrtc~')
    expect(await world.clock.until(a.pool.join(text))).toBe('B')
  })
})

describe('an invitation ends', () => {
  const endings: readonly (readonly [
    string,
    (about: { world: MemoryWorld; b: Member; invitation: Invitation; off: AbortController }) => unknown
  ])[] = [
    ['when it expires', ({ world }) => world.clock.advance(60_001)],
    ['with end()', ({ invitation }) => invitation.end()],
    ['with its signal', ({ off }) => off.abort()],
    ['when the pool stops', ({ world, b }) => world.clock.until(b.pool.stop())]
  ]
  for (const [how, end] of endings) {
    it(how, async () => {
      const { world, a, b } = await twoPages()
      const off = new AbortController()
      const invitation = await b.pool.invite({ forMs: 60_000, signal: off.signal })
      const gaveUp = new AbortController()
      const answer = await answerOf(a, invitation.text, gaveUp.signal)
      await end({ world, b, invitation, off })
      expect(invitation.usesLeft).toBe(0)
      expect(await messageOf(invitation.accept(answer))).toContain('the invitation has ended')
      gaveUp.abort()
      await world.clock.advance(1)
      expect(world.hub.copiedTexts.size).toBe(0)
      expect(peersOf(b)).toEqual([])
    })
  }

  it('while an answer is being taken: nothing stays of it', async () => {
    const { world, a, b } = await twoPages()
    const invitation = await b.pool.invite()
    const answer = await answerOf(a, invitation.text)
    a.network.isOffline = true
    const accepted = messageOf(invitation.accept(answer))
    await world.clock.advance(100)
    invitation.end()
    expect(await accepted).toContain('the invitation has ended')
  })

  it('for a newcomer too: its join ends with it, with its own signal, and with its own stop', async () => {
    const { world, a, b } = await twoPages()
    const { text } = await b.pool.invite({ forMs: 60_000 })
    const gaveUp = new AbortController()
    const one = messageOf(a.pool.join(text, { onAnswer: () => undefined, signal: gaveUp.signal }))
    await world.clock.advance(1)
    gaveUp.abort(new Error('no patience'))
    expect(await one).toBe('no patience')
    const two = messageOf(a.pool.join(text, { onAnswer: () => undefined }))
    await world.clock.advance(60_001)
    expect(await two).toContain('expired')
    const { text: later } = await b.pool.invite({ forMs: 60_000 })
    const three = codeOf(a.pool.join(later, { onAnswer: () => undefined }))
    await world.clock.until(a.pool.stop())
    expect(await three).toBe('not-started')
    expect(world.hub.copiedTexts.size).toBe(1)
  })
})

describe('an answer', () => {
  it('is refused with what is wrong, and the invitation goes on', async () => {
    const { world, a, b } = await twoPages()
    const invitation = await b.pool.invite()
    const other = await b.pool.invite()
    const answer = await answerOf(a, invitation.text)
    const wrong: readonly (readonly [string, string])[] = [
      ['', 'got an empty text'],
      ['hello', 'expected an answer'],
      [answer.replace('answer-', 'offer-'), 'expected the answer to an offer'],
      [answer.slice(0, 20), 'damaged'],
      [`${answer};x`, 'damaged'],
      [`${answer.slice(0, -8)}${'x'.repeat(2_000)}`, 'damaged'],
      ['x'.repeat(1_000_000), '1000000 characters'],
      [invitation.text, 'give it to `join`'],
      [answer.replace(':1:', ':2:'), 'version'],
      [answer.replace(';A;', ';B;'), 'our own']
    ]
    for (const [text, what] of wrong) expect(await messageOf(invitation.accept(text)), text.slice(0, 60)).toContain(what)
    expect(await messageOf(other.accept(answer))).toContain('another invitation')
    expect(await codeOf(invitation.accept(7 as never))).toBe('invalid-argument')
    expect(await world.clock.until(invitation.accept(answer))).toBe('A')
  })

  it('is taken once: another newcomer needs another invitation', async () => {
    const { world, a, b } = await twoPages()
    const c = await world.start('C', page)
    const invitation = await b.pool.invite({ uses: 5 })
    const [first, second] = [await answerOf(a, invitation.text), await answerOf(c, invitation.text)]
    const accepted = invitation.accept(first)
    expect(await messageOf(invitation.accept(second))).toContain('answered already')
    await world.clock.until(accepted)
    await world.clock.until(a.pool.disconnect(id('B')))
    await world.clock.advance(100)
    expect(await messageOf(invitation.accept(first))).toContain('answered already')
    expect(invitation.usesLeft).toBe(4)
  })

  it('of a peer that says another id is refused', async () => {
    const { world, a, b } = await twoPages()
    const { accepted } = follow(a, await b.pool.invite(), (answer) => answer.replace(';A;', ';Z;'))
    expect(await world.clock.until(accepted)).toBe('dial-failed')
    expect(peersOf(b)).toEqual([])
  })
})

describe('a text that is no invitation for us', () => {
  it('is refused before anything is done, with what was expected and what came', async () => {
    const { world, a, b } = await twoPages()
    const { text } = await b.pool.invite({ forMs: 60_000 })
    const elsewhere = await world.start('Z', { ...page, network: 'elsewhere' })
    const { text: foreign } = await elsewhere.pool.invite()
    const { text: own } = await a.pool.invite()
    const fields = text.split(';')
    const changed = (at: number, field: string): string => fields.map((old, i) => (i === at ? field : old)).join(';')
    const wrong: readonly (readonly [string, string])[] = [
      [' ', 'got an empty text'],
      ['p2p-pool:1:a;0123456789abcdef;B;answer-1', 'this is an answer: give it to `accept` of the page that invited'],
      ['https://example.org/', 'expected an invitation'],
      [text.slice(0, 12), 'damaged'],
      [fields.slice(0, 6).join(';'), 'damaged'],
      [`${text};more`, 'damaged'],
      ['p2p-pool:1:'.padEnd(1_000_000, 'x'), '1000000 characters'],
      [text.replace(':1:', ':2:'), 'version'],
      [foreign, 'got one to elsewhere'],
      [own, 'our own'],
      [changed(1, 'ABCDEF0123456789'), 'damaged'],
      [changed(2, '0'), 'damaged'],
      [changed(2, '00abc'), 'damaged'],
      [changed(3, '%FF'), 'damaged'],
      [changed(3, '%74est'), 'damaged'],
      [changed(4, ''), 'damaged'],
      [changed(5, Array(5).fill('/ip4/192.0.2.1/tcp/1').join(',')), 'damaged'],
      [changed(5, '/ip4/192.0.2.1/tcp/1/p2p/B'), 'damaged'],
      [changed(5, 'ip4'), 'damaged'],
      [changed(6, 'x'.repeat(1_501)), 'damaged'],
      [changed(6, 'ü'), 'damaged']
    ]
    for (const [given, what] of wrong) {
      const found = a.pool.join(given, { onAnswer: () => expect.unreachable() })
      expect(await messageOf(found), given.slice(0, 80)).toContain(what)
      expect(await codeOf(found), given.slice(0, 80)).toBe('invalid-invitation')
    }
    expect(await codeOf(a.pool.join(7 as never))).toBe('invalid-argument')
    await world.clock.advance(60_001)
    expect(await messageOf(a.pool.join(text))).toContain('expired just now')
    await world.clock.advance(33_003_000)
    expect(await messageOf(a.pool.join(text))).toContain('expired 9 hours ago: ask for a new one')
  })

  it('whose offer is none of the network is refused, too', async () => {
    const { a, b } = await twoPages()
    const { text } = await b.pool.invite()
    const found = a.pool.join(`${text.slice(0, text.lastIndexOf(';'))};nonsense`, { onAnswer: () => expect.unreachable() })
    expect(await codeOf(found)).toBe('invalid-invitation')
  })

  it('stays below 600 characters, whatever the points are', async () => {
    const world = new MemoryWorld({ seed: 23 })
    const b = await world.start('B')
    b.network.announce(
      ...(Array.from({ length: 8 }, (_, i) => `/ip4/192.0.2.${i}/tcp/1/p2p/${'R'.repeat(100)}/p2p-circuit/webrtc/p2p/B`) as never[])
    )
    const { text } = await b.pool.invite()
    expect(text.length).toBeLessThanOrEqual(600)
    expect(text.split(',')).toHaveLength(3)
  })
})

describe('limits of invitations', () => {
  it('eight are open at once', async () => {
    const { b } = await twoPages()
    const open = await Promise.all(Array.from({ length: 8 }, () => b.pool.invite()))
    expect(await codeOf(b.pool.invite())).toBe('too-many-waiting')
    open[0]?.end()
    await b.pool.invite()
  })

  it('eight are followed at once, one of each peer', async () => {
    const { world, a, b } = await twoPages()
    const { text } = await b.pool.invite()
    const off = new AbortController()
    const follow = (given: string): Promise<unknown> => codeOf(a.pool.join(given, { onAnswer: () => undefined, signal: off.signal }))
    void follow(text)
    expect(await follow(text)).toBe('too-many-waiting')
    for (let i = 0; i < 7; i++) void follow((await (await world.start(`I${i}`, page)).pool.invite()).text)
    expect(await follow((await (await world.start('J', page)).pool.invite()).text)).toBe('too-many-waiting')
    off.abort()
  })

  it('options are checked', async () => {
    const { b } = await twoPages()
    for (const options of [{ forMs: 999 }, { forMs: 86_400_001 }, { uses: 0 }, { uses: 101 }, { uses: 1.5 }, { signal: 1 }, { for: 1 }])
      expect(await codeOf(b.pool.invite(options as never)), JSON.stringify(options)).toBe('invalid-argument')
    expect(await codeOf(b.pool.join('', { onAnswer: 1 } as never))).toBe('invalid-argument')
  })

  it('a pool that does not run neither invites nor joins', async () => {
    const { world, a, b } = await twoPages()
    const { text } = await b.pool.invite()
    await world.clock.until(a.pool.stop())
    expect(await codeOf(a.pool.invite())).toBe('not-started')
    expect(await codeOf(a.pool.join(text))).toBe('not-started')
    await a.pool.destroy()
    expect(await codeOf(a.pool.invite())).toBe('destroyed')
  })

  it('a banned peer is neither joined nor let in', async () => {
    const { world, a, b } = await twoPages()
    await a.pool.peers.ban(id('B'))
    expect(await codeOf(a.pool.join((await b.pool.invite()).text, { onAnswer: () => undefined }))).toBe('peer-banned')
    await a.pool.peers.unban(id('B'))
    await b.pool.peers.ban(id('A'))
    const { accepted } = follow(a, await b.pool.invite())
    await world.clock.advance(30_001)
    expect(await accepted).not.toBe('A')
    expect(peersOf(b)).toEqual([])
  })
})
