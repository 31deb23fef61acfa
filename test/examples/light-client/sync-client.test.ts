import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Header, hashOf, hasWork } from '../../../examples/light-client/chain/header.ts'
import { HeaderTree } from '../../../examples/light-client/chain/header-tree.ts'
import { boast, deceits, forgedHead } from '../../../examples/light-client/node/deceit.ts'
import { SyncClient } from '../../../examples/light-client/sync/sync-client.ts'
import { answerTo, statusOf } from '../../../examples/light-client/wire/serving.ts'
import { grow, startS, testRules } from './chains.ts'
import { type Manner, World } from './world.ts'

const honest: Manner = { answerMs: 40 }
const silent: Manner = { answerMs: Number.POSITIVE_INFINITY }
const quick = { miningMs: 8_000, everyMs: 1_000, quietMs: 6_000 }

function bestWork(world: World): bigint {
  return world.peers.reduce(
    (most, { deceit, tree }) => (deceit === undefined && tree.head.totalWork > most ? tree.head.totalWork : most),
    0n
  )
}

describe('a peer that lies is proven wrong by what it sent, and the head stays right', () => {
  it.each(deceits.map((deceit) => [deceit.name, deceit] as const))('it %s', (_name, deceit) => {
    const world = new World({ seed: 7, manners: [honest, { ...honest, deceit }, honest], history: 150 })
    world.run(quick)
    expect(world.reports).toMatchObject([{ peerId: 'peer-1', about: 'fault' }])
    const { peers, news, phase, head } = world.client.view({ now: world.now, date: 0 })
    expect(peers.find(({ peerId }) => peerId === 'peer-1')).toMatchObject({ verdict: 'lied', connected: false })
    expect(news.flatMap(({ what }) => (what.kind === 'lie' ? [what.lie.kind] : []))).toEqual([deceit.provenBy])
    expect(phase).toBe('following')
    expect(head.totalWork).toBe(bestWork(world))
  })

  it('any mixture of honest peers, liars, slow and silent ones: at the end the best honest head, and every liar found', () => {
    const manner = fc.oneof(
      { weight: 2, arbitrary: fc.integer({ min: 10, max: 300 }).map((answerMs): Manner => ({ answerMs })) },
      { weight: 2, arbitrary: fc.constantFrom(...deceits).map((deceit): Manner => ({ answerMs: 30, deceit })) },
      { weight: 1, arbitrary: fc.integer({ min: 400, max: 6_000 }).map((answerMs): Manner => ({ answerMs })) },
      { weight: 1, arbitrary: fc.constantFrom<Manner>(silent, { ...honest, mute: true }, { ...honest, deafFromMs: 2_000 }) }
    )
    fc.assert(
      fc.property(fc.nat(), fc.array(manner, { minLength: 0, maxLength: 6 }), fc.nat(230), (seed, manners, history) => {
        const world = new World({ seed, manners: [honest, ...manners], history })
        world.run({ miningMs: 10_000, everyMs: 1_500, quietMs: 25_000 })
        const liars = world.peers.filter(({ deceit }) => deceit !== undefined).map(({ peerId }) => peerId)
        expect(world.client.tree.head.totalWork).toBe(bestWork(world))
        expect(world.reports.flatMap(({ about, peerId }) => (about === 'fault' ? [peerId] : [])).sort()).toEqual(liars)
      }),
      { numRuns: 80 }
    )
  }, 60_000)
})

/** Another header that shows no work: one in eight would, by chance, and be none the worse for it. */
function spoilt(header: Header, { field, by }: { field: string; by: number }): Header {
  const changed = { ...header, [field]: header[field as 'nonce'] + by }
  return hasWork(hashOf(changed), changed.difficulty) ? spoilt(header, { field, by: by + 1 }) : changed
}

describe('a change to an honest answer', () => {
  const tree = new HeaderTree(testRules)
  grow(tree, 60)

  it('of any header, or of their order or number, is a lie', () => {
    const change = fc.oneof(
      fc.record({
        kind: fc.constant('field' as const),
        field: fc.constantFrom('height', 'time', 'difficulty', 'nonce'),
        by: fc.integer({ min: 1, max: 9 })
      }),
      fc.record({ kind: fc.constantFrom('drop', 'twice', 'swap', 'cut') })
    )
    fc.assert(
      fc.property(change, fc.nat(58), fc.constantFrom(60, 61, 100), (change, at, batch) => {
        const client = new SyncClient({ rules: testRules, limits: { batch } })
        const moment = { now: 0, date: (startS + 7_200) * 1_000 }
        client.join('peer', moment)
        const [asked] = client.receive('peer', statusOf(tree), moment)
        if (asked?.kind !== 'send' || asked.message.kind !== 'get-headers') throw new Error('nothing was asked')
        const answer = answerTo(tree, asked.message)
        let headers = [...answer.headers]
        const header = headers[at]
        const after = headers[at + 1]
        if (header === undefined || after === undefined) throw new Error('no header there')
        if ('field' in change) headers[at] = spoilt(header, change)
        else if (change.kind === 'drop') headers.splice(at, 1)
        else if (change.kind === 'twice') headers.splice(at, 0, header)
        else if (change.kind === 'swap') headers.splice(at, 2, after, header)
        else headers = headers.slice(0, at)
        const actions = client.receive('peer', { ...answer, headers }, moment)
        expect(actions).toMatchObject([{ kind: 'report', peerId: 'peer', about: 'fault' }])
        expect(tree.isBest(client.tree.head.hash)).toBe(true)
      })
    )
  })
})

describe('slow and silent peers', () => {
  it('while one keeps us waiting another one is asked, and the head does not wait for it', () => {
    const world = new World({ seed: 3, manners: [{ answerMs: 2_000 }, honest, honest], history: 250 })
    world.until(1_500)
    expect(world.client.view({ now: world.now, date: 0 }).phase).toBe('following')
    const switches = world.client.view({ now: world.now, date: 0 }).news.filter(({ what }) => what.kind === 'switched')
    expect(switches).toMatchObject([{ peerId: 'peer-0', what: { why: 'slow' } }])
    world.until(5_000)
    expect(world.reports).toEqual([])
  })

  it('one that never answers is reported as slow each time, and left after the third', () => {
    const world = new World({ seed: 5, manners: [silent, honest, honest], history: 20 })
    const [first] = world.peers
    if (first === undefined) throw new Error('no peer 0')
    for (let round = 1; round <= 5; round++) {
      world.until(round * 6_000)
      // Whoever finds a header tells of it first.
      world.mine(first)
    }
    world.until(36_000)
    expect(world.reports.map(({ peerId, about }) => [peerId, about])).toEqual(Array.from({ length: 3 }, () => ['peer-0', 'slow']))
    expect(world.left).toEqual(['peer-0'])
    expect(world.client.tree.head.totalWork).toBe(bestWork(world))
  })

  it('one that never tells its head is reported, and left', () => {
    const world = new World({ seed: 5, manners: [{ ...honest, mute: true }, honest], history: 20 })
    world.until(20_000)
    expect(world.left).toEqual(['peer-0'])
    expect(world.reports).toMatchObject(Array.from({ length: 3 }, () => ({ peerId: 'peer-0', about: 'slow' })))
  })

  it('one whose head stands still while ours goes on is of no use', () => {
    const world = new World({ seed: 5, manners: [{ ...honest, deafFromMs: 0 }, honest], history: 20 })
    const [, miner] = world.peers
    if (miner === undefined) throw new Error('no peer 1')
    world.until(1_000)
    world.mine(miner)
    world.until(30_000)
    expect(world.reports).toMatchObject([{ peerId: 'peer-0', about: 'useless', reason: expect.stringContaining('has not moved for 20 s') }])
    world.until(110_000)
    expect(world.reports).toHaveLength(5)
    expect(world.left).toEqual(['peer-0'])
  })

  it('a late answer is ignored, not held against the peer', () => {
    const world = new World({ seed: 9, manners: [{ answerMs: 5_200 }, honest], history: 20 })
    world.run({ miningMs: 4_000, everyMs: 1_000, quietMs: 20_000 })
    expect(world.reports.filter(({ about }) => about !== 'slow')).toEqual([])
    expect(world.client.tree.head.totalWork).toBe(bestWork(world))
  })
})

describe('requests', () => {
  it('are spread over the peers that have what is missing', () => {
    const world = new World({ seed: 2, manners: [honest, honest, honest, honest, honest], history: 1_000 })
    world.until(10_000)
    const { peers, verified } = world.client.view({ now: world.now, date: 0 })
    expect(verified).toBe(1_000)
    for (const { served, answers } of peers) {
      expect(served).toBe(200)
      expect(answers).toBe(2)
    }
    expect(world.reports).toEqual([])
  })

  it('are not sent to peers that claim what we have, nor to those that claim less', () => {
    const world = new World({ seed: 2, manners: [honest, honest, honest], history: 50 })
    world.until(10_000)
    const { peers } = world.client.view({ now: world.now, date: 0 })
    expect(peers.reduce((sum, { answers }) => sum + answers, 0)).toBe(1)
    expect(peers.map(({ verdict }) => verdict)).toEqual(['agrees', 'agrees', 'agrees'])
  })
})

describe('an honest fork', () => {
  it('is followed when it has more work, reported as a reorganisation, and no peer is blamed', () => {
    const world = new World({ seed: 4, manners: [honest, honest], history: 30 })
    world.until(1_000)
    const [left, right] = world.peers
    if (left === undefined || right === undefined) throw new Error('two peers expected')
    grow(left.tree, 1)
    grow(right.tree, 3)
    for (const peer of [left, right]) for (const header of peer.tree.after(peer.tree.at(30) ?? peer.tree.head, 9)) world.trust(header)
    world.say(left, statusOf(left.tree))
    world.until(1_500)
    expect(world.client.tree.head.hash).toBe(left.tree.head.hash)
    world.say(right, statusOf(right.tree))
    world.until(2_500)
    expect(world.client.tree.head.hash).toBe(right.tree.head.hash)
    const { news, peers } = world.client.view({ now: world.now, date: 0 })
    expect(news).toMatchObject([
      { peerId: 'peer-1', what: { kind: 'reorganised', reorganisation: { forkHeight: 30, dropped: 1, adopted: 2 } } }
    ])
    const verdicts = Object.fromEntries(peers.map(({ peerId, verdict }) => [peerId, verdict]))
    expect(verdicts).toEqual({ 'peer-0': 'branch', 'peer-1': 'agrees' })
    expect(world.reports).toEqual([])
  })
})

describe('what a peer says out of turn', () => {
  const start = () => {
    const tree = new HeaderTree(testRules)
    grow(tree, 10)
    const client = new SyncClient({ rules: testRules })
    const moment = { now: 0, date: (startS + 7_200) * 1_000 }
    client.join('peer', moment)
    return { tree, client, moment }
  }

  it('headers that were not requested', () => {
    const { client, moment } = start()
    expect(client.receive('peer', { kind: 'headers', id: 1, headers: [] }, moment)).toMatchObject([{ kind: 'report', about: 'fault' }])
  })

  it('a second answer to one question', () => {
    const { client, tree, moment } = start()
    client.receive('peer', statusOf(tree), moment)
    const answer = { kind: 'headers', id: 1, headers: tree.after(tree.at(0) ?? tree.head, 100) } as const
    expect(client.receive('peer', answer, moment)).toEqual([])
    expect(client.receive('peer', answer, moment)).toMatchObject([{ kind: 'report', about: 'fault' }])
  })

  it('a claim that is taken back', () => {
    const { client, tree, moment } = start()
    client.receive('peer', boast().status(tree), moment)
    const actions = client.receive('peer', statusOf(tree), moment)
    expect(actions).toMatchObject([{ about: 'fault', reason: expect.stringContaining('it claimed total work') }])
  })

  it('the same status twice is no harm, and after a lie nothing is listened to', () => {
    const { client, tree, moment } = start()
    const first = client.receive('peer', statusOf(tree), moment)
    expect(first).toHaveLength(1)
    expect(client.receive('peer', statusOf(tree), moment)).toEqual([])
    client.receive('peer', { kind: 'headers', id: 77, headers: [] }, moment)
    expect(client.receive('peer', forgedHead().status(tree), moment)).toEqual([])
    expect(client.nextDueAt(0)).toBeUndefined()
  })

  it('too many heads in too short a time are ignored, and that is reported once', () => {
    const { client, moment } = start()
    const tree = new HeaderTree(testRules)
    const reports: unknown[] = []
    for (let count = 0; count < 140; count++) {
      grow(tree, 1)
      reports.push(...client.receive('peer', statusOf(tree), moment).filter(({ kind }) => kind === 'report'))
    }
    expect(reports).toMatchObject([{ about: 'useless', reason: 'more than 100 heads in 10 s' }])
  })

  it('a header from the future is not taken, and is not called a lie: a clock may be wrong', () => {
    const { client, tree, moment } = start()
    client.receive('peer', statusOf(tree), { ...moment, date: (startS - 7_200) * 1_000 })
    const answer = { kind: 'headers', id: 1, headers: tree.after(tree.at(0) ?? tree.head, 100) } as const
    const actions = client.receive('peer', answer, { ...moment, date: (startS - 7_200) * 1_000 })
    expect(actions).toMatchObject([{ about: 'useless', reason: expect.stringContaining('ahead of our clock') }])
    expect(client.tree.head.header.height).toBe(0)
  })
})
