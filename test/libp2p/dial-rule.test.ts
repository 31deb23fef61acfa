import { describe, expect, test } from 'vitest'
import type { Point } from '../../src/core/values/ids.ts'
import { type DialRule, dialRule, ruleAllows } from '../../src/libp2p/dial-rule.ts'

const id = '12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o'
const strict: DialRule = { allowPrivate: false, allowInsecure: false }

describe('what a page dials', () => {
  test.each([
    ['/dns4/example.org/tcp/443/tls/ws', true],
    ['/ip4/198.51.100.1/udp/1/webrtc-direct', true],
    [`/dns4/example.org/tcp/443/tls/ws/p2p/${id}/p2p-circuit/webrtc/p2p/${id}`, true],
    ['/ip4/198.51.100.1/tcp/1/ws', false],
    [`/ip4/198.51.100.1/tcp/1/ws/p2p/${id}/p2p-circuit/webrtc/p2p/${id}`, false],
    ['/ip4/127.0.0.1/tcp/443/tls/ws', false],
    ['/ip6/::1/tcp/443/tls/ws', false],
    ['/ip4/192.168.0.1/tcp/443/tls/ws', false],
    ['/ip4/169.254.169.254/tcp/443/tls/ws', false],
    ['/dns4/localhost/tcp/443/tls/ws', false],
    ['/dns4/router.local/tcp/443/tls/ws', false],
    [`/ip4/10.0.0.1/tcp/443/tls/ws/p2p/${id}/p2p-circuit/webrtc/p2p/${id}`, false]
  ] as const)('by the strict rule, %s: %s', (point, allowed) => {
    expect(ruleAllows(strict, point as Point)).toBe(allowed)
  })

  test('each half of the rule can be lifted by itself', () => {
    expect(ruleAllows({ allowPrivate: true, allowInsecure: false }, '/ip4/127.0.0.1/tcp/443/tls/ws' as Point)).toBe(true)
    expect(ruleAllows({ allowPrivate: true, allowInsecure: false }, '/ip4/127.0.0.1/tcp/80/ws' as Point)).toBe(false)
    expect(ruleAllows({ allowPrivate: false, allowInsecure: true }, '/ip4/198.51.100.1/tcp/80/ws' as Point)).toBe(true)
    expect(ruleAllows({ allowPrivate: false, allowInsecure: true }, '/ip4/127.0.0.1/tcp/80/ws' as Point)).toBe(false)
  })

  test.each([
    ['https:', 'example.org', { allowPrivate: false, allowInsecure: false }],
    ['http:', 'example.org', { allowPrivate: false, allowInsecure: true }],
    ['http:', 'localhost', { allowPrivate: true, allowInsecure: true }],
    ['https:', '127.0.0.1', { allowPrivate: true, allowInsecure: true }],
    ['http:', '[::1]', { allowPrivate: true, allowInsecure: true }],
    ['https:', '192.168.1.7', { allowPrivate: true, allowInsecure: true }],
    ['file:', '', { allowPrivate: true, allowInsecure: true }]
  ])('a page from %s//%s', (protocol, hostname, rule) => {
    expect(dialRule({}, { protocol, hostname })).toEqual(rule)
  })

  test('options go before the place', () => {
    expect(dialRule({ allowPrivate: false }, { protocol: 'http:', hostname: 'localhost' })).toEqual({
      allowPrivate: false,
      allowInsecure: true
    })
    expect(dialRule({ allowInsecure: true }, { protocol: 'https:', hostname: 'example.org' })).toEqual({
      allowPrivate: false,
      allowInsecure: true
    })
  })

  test('on Node there is no rule', () => {
    expect(dialRule()).toEqual({ allowPrivate: true, allowInsecure: true })
  })
})
