/** What an invitation carries for WebRTC: read strictly, since it comes from anywhere, and written to the browser by us alone. */
import { describe, expect, it } from 'vitest'
import {
  isLocal,
  readDescription,
  readSignalling,
  type Signalling,
  writeDescription,
  writeSignalling
} from '../../src/libp2p/signalling-text.ts'

const fingerprint = Array.from({ length: 32 }, (_, i) => (200 + i).toString(16).slice(-2).padStart(2, '0').toUpperCase()).join(':')
const uuid = 'ac97c651-b222-44b9-bbc9-1738aab47f10.local'
const whole: Signalling = {
  ufrag: 'Bj+g',
  pwd: 'vVVhmxNcIg8Ff7fRFCBOFZ8b',
  fingerprint,
  candidates: [
    { type: 'host', host: uuid, port: 45_273 },
    { type: 'host', host: '192.168.1.7', port: 48_083 },
    { type: 'srflx', host: '203.0.113.9', port: 50_000 },
    { type: 'relay', host: '2001:db8::1', port: 3_478 }
  ]
}
const text = writeSignalling(whole)

/** As Chromium writes it. */
const description = [
  ...['v=0', 'o=- 3480858740315813307 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'a=extmap-allow-mixed'],
  ...['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0'],
  `a=candidate:892127904 1 udp 2113937151 ${uuid} 45273 typ host generation 0 network-cost 999`,
  'a=candidate:1 1 tcp 1518280447 192.168.1.7 9 typ host tcptype active generation 0',
  'a=candidate:2 1 udp 1677729535 203.0.113.9 50000 typ srflx raddr 0.0.0.0 rport 0 generation 0',
  'a=candidate:3 1 UDP 2113937151 127.0.0.1 50001 typ host',
  ...['a=ice-ufrag:Bj+g', 'a=ice-pwd:vVVhmxNcIg8Ff7fRFCBOFZ8b', 'a=ice-options:trickle'],
  ...[`a=fingerprint:sha-256 ${fingerprint}`, 'a=setup:actpass', 'a=mid:0', 'a=sctp-port:5000', 'a=max-message-size:262144', '']
].join('\r\n')

describe('the signalling in an invitation', () => {
  it('is read as it was written, in one spelling, without what ends a field', () => {
    expect(readSignalling(text)).toEqual(whole)
    expect(text).toMatch(/^[\x21-\x3a\x3c-\x7e]{1,400}$/)
  })

  it('is taken from what a browser wrote: UDP addresses that others can reach', () => {
    expect(readDescription(description)).toEqual({
      ...whole,
      candidates: [
        { type: 'host', host: uuid, port: 45_273 },
        { type: 'srflx', host: '203.0.113.9', port: 50_000 }
      ]
    })
    expect(() => readDescription('v=0')).toThrow('cannot be carried')
  })

  it('names ten addresses at most', () => {
    const many = Array.from({ length: 30 }, (_, i) => `a=candidate:${i} 1 udp 1 192.0.2.${i + 1} ${2_000 + i} typ host`)
    expect(readDescription(description.replace('a=mid:0', `${many.join('\r\n')}\r\na=mid:0`)).candidates).toHaveLength(10)
    expect(() => readSignalling(`${text},${Array(7).fill('h192.0.2.1:4000').join(',')}`)).toThrow()
  })

  it('reaches a browser in lines of ours alone', () => {
    const { sdp = '' } = writeDescription('answer', whole)
    expect(sdp.split('\r\n').every((line) => line === '' || /^[a-z]=[\x20-\x7e]+$/.test(line))).toBe(true)
    expect(readDescription(sdp)).toEqual(whole)
    expect(sdp).toContain('a=setup:active')
  })

  const [ufrag = '', pwd = '', hash = ''] = text.split(',')
  const damaged: readonly string[] = [
    ...['', ',', 'x', text.slice(0, 30), `${text},`, `${text},h`, text.replace(',', '\r\n'), `${text}\r\na=x:y`],
    ...[`${'u'.repeat(33)},${pwd},${hash}`, `u,${pwd},${hash}`, `${ufrag},short,${hash}`, `${ufrag},${'p'.repeat(65)},${hash}`],
    ...[`${ufrag},${pwd},${hash.slice(1)}`, `${ufrag},${pwd},${hash}=`, `${ufrag},${pwd},${'!'.repeat(43)}`, `u v w,${pwd},${hash}`]
  ]
  it.each(damaged)('is refused when damaged: %j', (given) => {
    expect(() => readSignalling(given)).toThrow(expect.objectContaining({ code: 'invalid-invitation' }))
  })

  const hostile: readonly string[] = [
    // Not an address, or one in another spelling.
    ...[
      'hlocalhost:4000',
      'hprinter.local:4000',
      'hexample.org:4000',
      'h192.0.2.1.:4000',
      'h192.0.2.01:4000',
      'h3221225985:4000',
      'h0x7f.0.0.1:4000'
    ],
    ...['h[2001:DB8::1]:4000', 'h[2001:db8:0::1]:4000', 'h[fe80::1%eth0]:4000', 'h192.0.2.256:4000', 'h:4000', 'h[]:4000'],
    // Of this machine alone, of many, or of none.
    ...['h127.0.0.1:4000', 'h127.1.2.3:4000', 'h0.0.0.0:4000', 'h224.0.0.251:5353', 'h255.255.255.255:4000'],
    ...['h[::1]:4000', 'h[::]:4000', 'h[ff02::1]:4000', 'h[::ffff:127.0.0.1]:4000', 'h[::ffff:7f00:1]:4000'],
    // Ports of services, and of none.
    ...['h192.0.2.1:53', 'h192.0.2.1:1023', 'h192.0.2.1:0', 'h192.0.2.1:65536', 'h192.0.2.1:99999', 'h192.0.2.1:04000', 'h192.0.2.1:4e3'],
    // A name of a browser's is of its own machine only; other types.
    ...[`s${text.split(',')[3]?.slice(1)}`, 'p192.0.2.1:4000', 'h192.0.2.1:4000 typ relay', 'h192.0.2.1']
  ]
  it.each(hostile)('is refused with the address %s', (candidate) => {
    expect(() => readSignalling(`${ufrag},${pwd},${hash},${candidate}`)).toThrow(expect.objectContaining({ code: 'invalid-invitation' }))
  })

  it('tells addresses of local networks', () => {
    for (const host of [uuid, '10.1.2.3', '192.168.0.1', '172.16.0.1', '172.31.9.9', '169.254.1.1', '100.64.0.1', 'fd00::1', 'fe80::1'])
      expect(isLocal(host), host).toBe(true)
    for (const host of ['203.0.113.9', '172.32.0.1', '100.128.0.1', '2001:db8::1', '11.0.0.1']) expect(isLocal(host), host).toBe(false)
  })
})
