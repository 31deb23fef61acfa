import { expect, it } from 'vitest'
import type { PeerId } from '../../../src/core/values/ids.ts'
import { introductionPoint, type Member, type MemberOptions, MemoryWorld } from '../../../src/testing/index.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'

const page: MemberOptions = { page: true, introductions: true, minByKind: null }
const id = (name: string): PeerId => name as PeerId
const peersOf = ({ pool }: Member): string[] => [...pool.connectedPeerIds.keys()].sort()

it('two peers that name the guests of an introducer hide none of them', async () => {
  const world = new MemoryWorld({ seed: 17 })
  const c = await world.start('C', { introductions: true })
  const guests: string[] = []
  for (let n = 0; n < 5; n++) {
    const { pool, network } = await world.start(`H${n}`, page)
    await world.clock.until(pool.connect(c.network.point))
    guests.push(network.peerId)
  }
  const v = await world.start('V', page)
  const shouts: (() => void)[] = []
  for (const name of ['X1', 'X2']) {
    const hostile = new HostilePeer(world, name)
    const points = [...guests, `${name}-made-up`].map((guest) => introductionPoint(id(name), id(guest)))
    await hostile.listen((link) => {
      say(link, helloOf({ discovery: true }), { kind: 'ack' })
      shouts.push(() => say(link, { kind: 'advertise', points, ownPoints: undefined }))
    })
    await world.clock.until(v.pool.connect(hostile.network.point))
  }
  await world.clock.advance(1_000)
  for (const shout of shouts) shout()
  await world.clock.advance(100)
  v.pool.setBand({ min: 3, expected: 5, max: 10 })
  await world.clock.until(v.pool.connect(c.network.point))
  const until = world.clock.now() + 60_000
  while (world.clock.now() < until) {
    for (const shout of shouts) shout()
    await world.clock.advance(1_000)
  }
  const known = guests.filter((guest) => v.pool.points.info(introductionPoint(id('C'), id(guest))) !== undefined)
  expect(known).toEqual(guests)
})

it('a newcomer takes the place of no peer that we dialed through its introducer, and of none while we want more', async () => {
  const world = new MemoryWorld({ seed: 17 })
  const v = await world.start('V', page)
  const introducers: Member[] = []
  const come = async (name: string, by: Member, to: string): Promise<Member> => {
    const member = await world.start(name, page)
    await world.clock.until(member.pool.connect(by.network.point))
    await world.clock.advance(1_000)
    if (to !== '') await world.clock.until(member.pool.connect(introductionPoint(by.network.peerId, id(to))))
    return member
  }
  for (let n = 0; n < 4; n++) {
    const c = await world.start(`C${n}`, { introductions: true })
    introducers.push(c)
    await world.clock.until(v.pool.connect(c.network.point))
    await come(`H${n}`, c, '')
    await world.clock.until(v.pool.connect(introductionPoint(c.network.peerId, id(`H${n}`))))
  }
  const [first] = introducers as [Member]
  const dialed = peersOf(v)
  v.pool.setBand({ min: 8, expected: 9, max: 20 })
  await world.clock.advance(70_000)
  for (const [n, c] of introducers.entries()) await come(`Z${n}`, c, 'V')
  await world.clock.advance(70_000)
  expect(peersOf(v)).toEqual([...dialed, 'Z0', 'Z1', 'Z2', 'Z3'])
  // Enough connections, and one of ten came by C0.
  await come('Y', first, 'V')
  await world.clock.advance(1_000)
  expect(peersOf(v)).toEqual([...dialed, 'Y', 'Z1', 'Z2', 'Z3'].sort())
})
