import { describe, expect, it } from 'vitest'
import { announcedHosts, inRanges, judgeRequest, pageOrigin, proxyRange, type RequestRules } from '../../node/request-origin.ts'
import { hostOfIp } from '../../src/core/values/address.ts'
import type { Host } from '../../src/core/values/ids.ts'

const rules = (more: { trustedProxies?: string[]; allowedOrigins?: string[]; announce?: string[] } = {}): RequestRules => ({
  isTrustedProxy: inRanges(more.trustedProxies ?? []),
  allowedOrigins: more.allowedOrigins,
  announced: announcedHosts(more.announce ?? [])
})

/** The host that counts, `unknown`, or `refused`. */
function judged(ip: string, headers: Record<string, string>, options?: Parameters<typeof rules>[0]): string {
  const judgement = judgeRequest({ host: hostOfIp(ip), headers }, rules(options))
  return judgement.kind === 'refuse' ? 'refused' : (judgement.host ?? 'unknown')
}
const text = (ip: string): string => hostOfIp(ip) as Host

describe('the host of a peer behind a trusted proxy', () => {
  const trustedProxies = ['127.0.0.1', '10.0.0.0/8', '203.0.113.10', '2001:db8:aa::/48']
  const cases: readonly (readonly [string, string, string])[] = [
    ['one address', '198.51.100.7', '198.51.100.7'],
    ['the last of many: what was there before is what the peer wrote itself', '192.0.2.1, 127.0.0.1, 198.51.100.7', '198.51.100.7'],
    ['the last before other trusted proxies', '192.0.2.1, 198.51.100.7, 203.0.113.10,10.1.2.3', '198.51.100.7'],
    ['with a port', '198.51.100.7:4711', '198.51.100.7'],
    ['IPv6', '2001:db8:1::7', '2001:db8:1::7'],
    ['IPv6 in brackets', '[2001:db8:1::7]', '2001:db8:1::7'],
    ['IPv6 with a port', '[2001:db8:1::7]:80', '2001:db8:1::7'],
    ['IPv4 written as IPv6', '::ffff:198.51.100.7', '198.51.100.7'],
    ['an address of the proxy’s own network', '192.168.1.9', '192.168.1.9']
  ]
  for (const [name, header, expected] of cases) {
    it(`is in its header: ${name}`, () => {
      for (const proxy of ['127.0.0.1', '10.9.9.9', '203.0.113.10', '2001:db8:aa::1'])
        expect(judged(proxy, { 'x-forwarded-for': header }, { trustedProxies })).toBe(text(expected))
    })
  }

  const malformed = [
    '',
    ' ',
    ',',
    'unknown',
    'a.example',
    '198.51.100.7, ',
    '198.51.100.7, _hidden',
    '198.51.100',
    '198.51.100.7:x',
    '[::1',
    '1.2.3.4.5',
    '198.51.100.7 ,x',
    '10.0.0.1, 127.0.0.1'
  ]
  for (const header of malformed) {
    it(`is unknown where the header says ${JSON.stringify(header)}`, () => {
      expect(judged('127.0.0.1', { 'x-forwarded-for': header }, { trustedProxies })).toBe('unknown')
    })
  }

  it('is unknown without that header, whatever others say', () => {
    expect(judged('127.0.0.1', {}, { trustedProxies })).toBe('unknown')
    expect(judged('127.0.0.1', { forwarded: 'for=198.51.100.7', 'x-real-ip': '198.51.100.7' }, { trustedProxies })).toBe('unknown')
  })
})

describe('the host of a peer without a trusted proxy', () => {
  it('is that of the socket, and no header changes it from a public address', () => {
    const headers = { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1', via: '1.1 proxy' }
    expect(judged('198.51.100.7', headers)).toBe(text('198.51.100.7'))
    expect(judged('198.51.100.7', headers, { trustedProxies: ['127.0.0.1'] })).toBe(text('198.51.100.7'))
    expect(judged('127.0.0.1', {})).toBe(text('127.0.0.1'))
    expect(judged('192.168.1.7', {})).toBe(text('192.168.1.7'))
  })

  it('is unknown where a proxy that is not named forwards from this machine or a local network', () => {
    for (const ip of ['127.0.0.1', '::1', '10.0.0.5', '192.168.1.7', 'fd00::7', '172.17.0.1'])
      for (const [name, value] of Object.entries({
        'x-forwarded-for': '192.0.2.1',
        forwarded: 'for=192.0.2.1',
        'x-real-ip': '192.0.2.1',
        via: '1.1 a'
      }))
        expect(judged(ip, { [name]: value }), `${ip} ${name}`).toBe('unknown')
  })
})

describe('pages that connect', () => {
  const site = 'https://app.example.org'
  const cases: readonly {
    name: string
    ip: string
    headers: Record<string, string>
    options?: Parameters<typeof rules>[0]
    expected: string
  }[] = [
    { name: 'any page from a public address', ip: '198.51.100.7', headers: { origin: site }, expected: text('198.51.100.7') },
    { name: 'any page by a proxy', ip: '127.0.0.1', headers: { origin: site, 'x-forwarded-for': '192.0.2.1' }, expected: 'unknown' },
    {
      name: 'any page by a trusted proxy',
      ip: '127.0.0.1',
      headers: { origin: site, 'x-forwarded-for': '192.0.2.1' },
      options: { trustedProxies: ['127.0.0.1'] },
      expected: text('192.0.2.1')
    },
    {
      name: 'any page by a trusted proxy that says nothing',
      ip: '127.0.0.1',
      headers: { origin: site },
      options: { trustedProxies: ['127.0.0.1'] },
      expected: 'unknown'
    },
    {
      name: 'a public website in a browser on this machine: not',
      ip: '127.0.0.1',
      headers: { origin: site, host: '127.0.0.1:4002' },
      expected: 'refused'
    },
    {
      name: 'nor on the local network',
      ip: '192.168.1.7',
      headers: { origin: 'http://app.example.org:8080', host: '192.168.1.5:4002' },
      expected: 'refused'
    },
    { name: 'nor by IPv6', ip: '::1', headers: { origin: site, host: '[::1]:4002' }, expected: 'refused' },
    { name: 'nor one on a public address', ip: '127.0.0.1', headers: { origin: 'http://198.51.100.7' }, expected: 'refused' },
    { name: 'nor a sandboxed frame of one', ip: '127.0.0.1', headers: { origin: 'null' }, expected: 'refused' },
    {
      name: 'nor one by a name of its own that leads here',
      ip: '127.0.0.1',
      headers: { origin: site, host: 'here.app.example.org:4002' },
      expected: 'refused'
    },
    { name: 'nor one that says nonsense', ip: '127.0.0.1', headers: { origin: 'http//x' }, expected: 'refused' },
    {
      name: 'a public website by the announced name, as a proxy forwards it that says nothing',
      ip: '127.0.0.1',
      headers: { origin: site, host: 'Pool.Example.net' },
      options: { announce: ['/dns4/pool.example.net/tcp/443/tls/ws'] },
      expected: 'unknown'
    },
    {
      name: 'and by the announced address',
      ip: '172.17.0.1',
      headers: { origin: site, host: '198.51.100.1:4002' },
      options: { announce: ['/ip4/198.51.100.1/tcp/4002/ws'] },
      expected: 'unknown'
    },
    { name: 'a page of this machine', ip: '127.0.0.1', headers: { origin: 'http://localhost:5173' }, expected: text('127.0.0.1') },
    { name: 'a page of this machine, by address', ip: '::1', headers: { origin: 'http://[::1]:5173' }, expected: text('::1') },
    {
      name: 'a page of the local network',
      ip: '192.168.1.7',
      headers: { origin: 'http://192.168.1.5:8080' },
      expected: text('192.168.1.7')
    },
    {
      name: 'an extension, which somebody installed',
      ip: '127.0.0.1',
      headers: { origin: 'chrome-extension://abcdefgh' },
      expected: text('127.0.0.1')
    },
    {
      name: 'a listed website in a browser on this machine',
      ip: '127.0.0.1',
      headers: { origin: site },
      options: { allowedOrigins: [site] },
      expected: 'unknown'
    },
    {
      name: 'any, where all are listed',
      ip: '127.0.0.1',
      headers: { origin: site },
      options: { allowedOrigins: ['*'] },
      expected: 'unknown'
    },
    {
      name: 'none that is not listed',
      ip: '198.51.100.7',
      headers: { origin: `${site}:444` },
      options: { allowedOrigins: [site] },
      expected: 'refused'
    },
    {
      name: 'none that is not listed, by a proxy',
      ip: '127.0.0.1',
      headers: { origin: 'http://localhost:5173', 'x-forwarded-for': '192.0.2.1' },
      options: { allowedOrigins: [site], trustedProxies: ['127.0.0.1'] },
      expected: 'refused'
    },
    {
      name: 'none where the list is empty',
      ip: '198.51.100.7',
      headers: { origin: site },
      options: { allowedOrigins: [] },
      expected: 'refused'
    },
    {
      name: 'programs, which have no origin, always may',
      ip: '198.51.100.7',
      headers: {},
      options: { allowedOrigins: [] },
      expected: text('198.51.100.7')
    }
  ]
  for (const { name, ip, headers, options, expected } of cases) {
    it(name, () => {
      expect(judged(ip, headers, options)).toBe(expected)
    })
  }
})

describe('the options', () => {
  const at = { code: 'invalid-config', name: 'x' } as const
  it('take addresses, ranges and origins', () => {
    for (const good of ['127.0.0.1', '10.0.0.0/8', '::1', '2001:db8::/32']) expect(proxyRange(good, at)).toBe(good)
    for (const good of [
      'https://a.example',
      'http://a.example:8080',
      'http://[::1]:1',
      'null',
      '*',
      'chrome-extension://abc',
      'tauri://localhost'
    ])
      expect(pageOrigin(good, at)).toBe(good)
  })

  it('refuse others, naming what was expected and what came', () => {
    for (const bad of ['proxy.example.org', '10.0.0.0/33', '10.0.0.0/', '', 7, null])
      expect(() => proxyRange(bad, at)).toThrow(/x: expected an IP address or a range such as .*, got /)
    for (const bad of ['a.example', 'https://a.example/', 'https://a.example/path', 'HTTPS://a.example', 'https://a.example:443', '', 7])
      expect(() => pageOrigin(bad, at)).toThrow(/x: expected the origin of a page such as .*, got /)
  })
})
