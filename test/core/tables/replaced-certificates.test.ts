/** A peer with a new certificate is at its old address no more: its own word, and nobody else's, replaces the point. */
import { describe, expect, it } from 'vitest'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import { StateBench } from '../../support/state-bench.ts'

const [server, other] = ['server', 'other'] as PeerId[] as [PeerId, PeerId]
const host = hostOfIp('198.51.100.1') as Host
const at = (port: number, ...hashes: readonly string[]): Point =>
  `/ip4/198.51.100.1/udp/${port}/webrtc-direct${hashes.map((hash) => `/certhash/${hash}`).join('')}` as Point

function says(bench: StateBench, peerId: PeerId, points: readonly Point[]): void {
  const named = points.map((point) => ({ point, expectedPeerId: undefined }))
  bench.state.claims.learnOwn(named, { peerId, host, isPrivate: false, trusted: false })
}

const known = (bench: StateBench): string[] => [...bench.parts.points].map(({ point }) => point).sort()

describe('a peer that names a point with another hash of its certificate', () => {
  /** The server was connected at its old point. */
  function met(): StateBench {
    const bench = new StateBench()
    says(bench, server, [at(4002, 'old')])
    bench.dialed(at(4002, 'old'), server).leave({ by: 'us', reason: { kind: 'going-away' } })
    return bench
  }

  it('replaces the old point at the same host and port', () => {
    const bench = met()
    says(bench, server, [at(4002, 'new')])
    expect(known(bench)).toEqual([at(4002, 'new')])
  })

  it('replaces points with two hashes, and its own claims', () => {
    const bench = new StateBench()
    says(bench, server, [at(4002, 'a', 'b')])
    says(bench, server, [at(4002, 'b', 'c')])
    expect(known(bench)).toEqual([at(4002, 'b', 'c')])
  })

  it('keeps all points that it names, and those at other ports', () => {
    const bench = met()
    says(bench, server, [at(4003, 'old')])
    says(bench, server, [at(4002, 'old'), at(4002, 'new')])
    expect(known(bench)).toEqual([at(4002, 'new'), at(4002, 'old'), at(4003, 'old')])
  })

  it('replaces nothing where another peer was met, though both share the host', () => {
    const bench = met()
    says(bench, other, [at(4002, 'new')])
    expect(known(bench)).toContain(at(4002, 'old'))
  })

  it('replaces no point of the operator, and none that is connected', () => {
    const bench = met()
    bench.state.points.register(at(4002, 'old'), { trusted: true })
    says(bench, server, [at(4002, 'old'), at(4003, 'old')])
    bench.dialed(at(4003, 'old'), server)
    says(bench, server, [at(4002, 'new'), at(4003, 'new')])
    expect(known(bench)).toEqual(expect.arrayContaining([at(4002, 'old'), at(4003, 'old')]))
  })

  it('is believed for itself alone: what it advertises of others replaces nothing', () => {
    const bench = met()
    bench.state.claims.learn([{ point: at(4002, 'new'), expectedPeerId: undefined }], { peerId: other, host, discoverySource: 'advertise' })
    expect(known(bench)).toContain(at(4002, 'old'))
  })
})
