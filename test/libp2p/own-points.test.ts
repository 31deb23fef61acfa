import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { ownPointsOf } from '../../src/libp2p/own-points.ts'

const relay = '/ip4/192.0.2.9/tcp/1/ws/p2p/12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o/p2p-circuit'
const us = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const ownOf = (...texts: string[]): string[] =>
  ownPointsOf(
    texts.map((text) => multiaddr(text)),
    () => true
  )

test('the point of an address with a certificate has the name that others dial as its host', () => {
  expect(ownOf(`/ip4/192.0.2.1/tcp/443/tls/sni/a.example.org/ws/p2p/${us}`)).toEqual(['/dns4/a.example.org/tcp/443/tls/ws'])
  expect(ownOf('/ip6/2001:db8::7/tcp/443/tls/sni/a.example.org/ws')).toEqual(['/dns6/a.example.org/tcp/443/tls/ws'])
})

test('what anybody can reach comes first; a relay alone is no way to us', () => {
  expect(
    ownOf('/ip4/127.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/1', '/ip4/192.0.2.1/tcp/1', `${relay}/p2p/${us}`, `${relay}/webrtc/p2p/${us}`)
  ).toEqual(['/ip4/192.0.2.1/tcp/1', `${relay}/webrtc/p2p/${us}`, '/ip4/10.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/1'])
})

test('one address has one point, however often it is announced', () => {
  expect(ownOf('/ip4/192.0.2.1/tcp/1', `/ip4/192.0.2.1/tcp/1/p2p/${us}`)).toHaveLength(1)
})
