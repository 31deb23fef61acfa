import { describe, expect, it } from 'vitest'
import { listenError, listenTrouble } from '../../node/listen-trouble.ts'

const opening = 'Some configured addresses failed to be listened on:\n'
const unsupported = (n: number) => `  /ip4/127.0.0.1/udp/${4_000 + n}/quic-v1: No transport could listen at this address`

describe('what keeps a peer from listening', () => {
  it('is found in the words of libp2p, also after a hundred addresses that fail for other reasons', () => {
    for (const count of [0, 1, 100]) {
      const others = Array.from({ length: count }, (_, n) => unsupported(n))
      const lines = [...others, '  /ip4/127.0.0.1/tcp/4001/ws: listen EADDRINUSE: address already in use 127.0.0.1:4001']
      expect(listenError(new Error(opening + lines.join('\n')))).toMatchObject({
        code: 'cannot-listen',
        message: 'cannot listen at /ip4/127.0.0.1/tcp/4001: another program listens there'
      })
    }
  })

  it.each([
    ['/ip6/::1/tcp/443: listen EACCES: permission denied ::1:443', /^cannot listen at \/ip6\/::1\/tcp\/443: this user may not/],
    [
      '/ip4/192.0.2.1/udp/9/webrtc-direct: bind EADDRNOTAVAIL 192.0.2.1',
      /^cannot listen at \/ip4\/192\.0\.2\.1\/udp\/9: this machine does not/
    ]
  ])('%s', (line, message) => {
    expect(listenError(new Error(opening + line))).toMatchObject({ code: 'cannot-listen', message: expect.stringMatching(message) })
  })

  it('leaves any other error as it is, and says what it can of an address without a name', () => {
    for (const other of [new Error(opening + unsupported(1)), 'EADDRINUSE', undefined]) expect(listenError(other)).toBe(other)
    expect(listenTrouble(new Error('listen EADDRINUSE: address already in use :::80'))).toBe('another program listens there')
    expect(listenTrouble(new Error('something else'))).toBe('something else')
  })
})
