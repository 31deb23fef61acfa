import { describe, expect, it } from 'vitest'
import { parsePeerId, parsePoint } from '../../../src/libp2p/point.ts'
import { type SharedPool, sharedPool } from '../../../web/shared-pool.ts'
import type { TabSession } from '../../../web/tab-session.ts'

const id = parsePeerId('12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o')
const point = parsePoint('/ip4/192.0.2.1/tcp/4001').point

/** The face of a pool that no tab owns yet, and what was requested of it. */
function unowned(): { pool: SharedPool; requests: unknown[] } {
  const requests: unknown[] = []
  const config = { messageCodec: { encode: (bytes: unknown) => bytes, decode: (bytes: unknown) => bytes }, maxMessageBytes: 1_024 }
  const request = (...args: readonly unknown[]): Promise<unknown> => {
    requests.push(args)
    return new Promise(() => undefined)
  }
  return { pool: sharedPool({ config, request } as unknown as TabSession<Uint8Array, unknown, Uint8Array>, undefined), requests }
}

type Method = (...args: readonly unknown[]) => Promise<unknown>

function methodOf(pool: SharedPool, path: string): Method {
  const [noun, verb] = path.includes('.') ? path.split('.') : [undefined, path]
  const target: object = noun === undefined ? pool : Reflect.get(pool, noun)
  return (Reflect.get(target, verb ?? '') as Method).bind(target)
}

describe('a shared pool refuses a bad argument at once, also while no tab owns it', () => {
  it.each<readonly [string, readonly unknown[], string]>([
    ['connect', ['198.51.100.1:4001'], 'invalid-point'],
    ['connect', [point, { timeout: 5 }], 'invalid-argument'],
    ['connect', [point, { signal: 'now' }], 'invalid-argument'],
    ['connect', [point, null], 'invalid-argument'],
    ['disconnect', ['garbage'], 'invalid-peer-id'],
    ['disconnect', [id, 5], 'invalid-argument'],
    ['send', ['garbage', new Uint8Array(1)], 'invalid-peer-id'],
    ['send', [id, 'text'], 'invalid-argument'],
    ['send', [id, new Uint8Array(2_000)], 'message-too-large'],
    ['broadcast', [new Uint8Array(1), { except: ['garbage'] }], 'invalid-peer-id'],
    ['setBand', [{ min: 2, expected: 1, max: 4 }], 'invalid-config'],
    ['explain', ['garbage'], 'invalid-peer-id'],
    ['registerPoint', [point, { trust: true }], 'invalid-argument'],
    ['unregisterPoint', [undefined], 'invalid-point'],
    ['peers.ban', [id, { endsAt: 'soon' }], 'invalid-argument'],
    ['peers.report', [id, { kind: 'rude', reason: '' }], 'invalid-argument'],
    ['peers.describe', [5], 'invalid-peer-id'],
    ['points.banHost', ['exa mple'], 'invalid-argument'],
    ['points.banRange', [5], 'invalid-argument'],
    ['points.trust', ['/nope'], 'invalid-point']
  ])('%s(%j)', async (method, args, code) => {
    const { pool, requests } = unowned()
    await expect(methodOf(pool, method)(...args)).rejects.toMatchObject({ code })
    expect(requests).toEqual([])
  })

  it('and tells the owner of a good one, hosts in the spelling of the tables', () => {
    const { pool, requests } = unowned()
    const { signal } = new AbortController()
    void pool.connect(point, { trusted: true, signal })
    void pool.points.banHost('127.0.0.1')
    void pool.peers.ban(id)
    expect(requests).toEqual([
      ['connect', [point, { trusted: true }], signal],
      ['points.banHost', ['::ffff:127.0.0.1', {}]],
      ['peers.ban', [id, {}]]
    ])
  })
})
