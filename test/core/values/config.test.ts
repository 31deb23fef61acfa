import { describe, expect, it } from 'vitest'
import { memoryStorage, nodePreset, PoolError, type PoolOptions, pagePreset, resolveConfig } from '../../../src/core/index.ts'

const storage = memoryStorage()

function resolve(options: object = {}, preset = nodePreset): ReturnType<typeof resolveConfig> {
  return resolveConfig({ network: 'test', ...options } as PoolOptions, { preset, storage })
}

describe('options of the original', () => {
  it('config.max_known_points, max_known_peer_ids: 400 and 300 each, or no bound', () => {
    expect([resolve().maxKnownPoints, resolve().maxKnownPeers]).toEqual(Array(2).fill({ max: 400, target: 300 }))
    expect(resolve({ maxKnownPoints: null, maxKnownPeers: null })).toMatchObject({ maxKnownPoints: null, maxKnownPeers: null })
  })

  it('config.peer_greylist_size: 1,023', () => {
    expect(resolve().peerGreylistSize).toBe(1_023)
  })

  it('config.ip_greylist_size_in_kilobytes, ip_greylist_cleanup_delay: 2,048 KiB on Node, 256 in pages; a day', () => {
    expect([resolve().ipGreylistSizeKiB, resolve({}, pagePreset).ipGreylistSizeKiB]).toEqual([2_048, 256])
    expect(resolve().ipGreylistCleanupDelayMs).toBe(86_400_000)
  })

  it('config: complete, frozen, with the defaults of the contract', () => {
    const config = resolve()
    expect(config).toMatchObject({
      ...{ minConnections: 10, expectedConnections: 50, maxConnections: 100, maxIncoming: 20, maxIncomingPerHost: 4 },
      ...{
        connectionTimeoutMs: 10_000,
        authenticationTimeoutMs: 5_000,
        maintenanceIdleMs: 120_000,
        timeBetweenSearchesMs: 5_000,
        keepAliveIntervalMs: 20_000
      },
      ...{ maxParallelDials: 10, maxUndeliveredMessages: 10, maxMessageBytes: 1_048_576, swapCooldownMs: 30_000 },
      ...{ privateMode: false, discovery: true, introductions: false, allowPrivatePoints: false, trustedPoints: [], storage },
      suspendedBand: null,
      minByKind: null,
      reconnection: { initialDelayMs: 1_000, factor: 1.2, jitter: 0.2, afterConnectionMs: 60_000, maxDelayMs: 3_600_000 }
    })
    expect(config).toMatchObject({ plainPeers: 'refuse', requiredProtocols: [] })
    expect(Object.isFrozen(config)).toBe(true)
    expect(resolve({}, pagePreset)).toMatchObject({ minConnections: 3, expectedConnections: 5, maxConnections: 10, maxParallelDials: 3 })
    expect(resolve({}, pagePreset).suspendedBand).toEqual({ min: 1, expected: 2, max: 3 })
    expect(resolve({}, pagePreset).minByKind).toEqual({ server: 1, page: 1 })
  })
})

/** Option, value, and what the message says of them. */
const senseless: readonly (readonly [object, RegExp])[] = [
  [{ minConnections: -1 }, /minConnections: .* from 0 .* got -1/],
  [{ minConnections: 2.5 }, /minConnections: .*whole number.* got 2.5/],
  [{ minConnections: Number.NaN }, /minConnections: .* got NaN/],
  [{ minConnections: '5' }, /minConnections: .* got "5"/],
  [{ minConnections: 60, expectedConnections: 50 }, /expectedConnections: .* from 60 on, which is minConnections, got 50/],
  [{ expectedConnections: 101, maxConnections: 100 }, /maxConnections: .* from 101 on, which is expectedConnections, got 100/],
  [{ minConnections: 60, maxConnections: 55 }, /maxConnections: .* from 60 on, which is minConnections, got 55/],
  [{ maxConnections: Number.POSITIVE_INFINITY }, /maxConnections: .* got Infinity/],
  [{ suspendedBand: { min: 1, expected: 3, max: 2 } }, /suspendedBand\.max: .* from 3 on, which is suspendedBand\.expected, got 2/],
  [{ minByKind: 1 }, /minByKind: expected \{ server, page \} or null, got 1/],
  [{ minByKind: { server: 1, page: -1 } }, /minByKind\.page: .* from 0 .* got -1/],
  [{ minByKind: { server: 1 } }, /minByKind\.page: .* got undefined/],
  [{ suspendedBand: 3 }, /suspendedBand: expected \{ min, expected, max \} or null, got 3/],
  [{ maxKnownPoints: { max: 10, target: 11 } }, /maxKnownPoints\.target: .* up to 10, which is maxKnownPoints\.max, got 11/],
  [{ maxKnownPoints: { max: 0, target: 0 } }, /maxKnownPoints\.max: .* got 0/],
  [{ maxKnownPoints: { max: 10 } }, /maxKnownPoints\.target: .* got undefined/],
  [{ maxKnownPoints: 400 }, /maxKnownPoints: expected \{ max, target \} or null, got 400/],
  [{ maxKnownPeers: { max: -5, target: -6 } }, /maxKnownPeers\.max: .* got -5/],
  [{ peerGreylistSize: -1 }, /peerGreylistSize: .* got -1/],
  [{ peerGreylistSize: 0.5 }, /peerGreylistSize: .* got 0.5/],
  [{ ipGreylistSizeKiB: 0 }, /ipGreylistSizeKiB: .* from 1 to 8192, got 0/],
  [{ ipGreylistSizeKiB: 65_535 }, /ipGreylistSizeKiB: .* got 65535/],
  [{ ipGreylistCleanupDelayMs: 1 }, /ipGreylistCleanupDelayMs: .* got 1/],
  [{ maxIncoming: 0 }, /maxIncoming: .* got 0/],
  [{ maxIncoming: 3, maxIncomingPerHost: 4 }, /maxIncomingPerHost: .* up to 3, which is maxIncoming, got 4/],
  [{ connectionTimeoutMs: 0 }, /connectionTimeoutMs: .* got 0/],
  [{ connectionTimeoutMs: 2 ** 31 }, /connectionTimeoutMs: .* got 2147483648/],
  [{ authenticationTimeoutMs: -5 }, /authenticationTimeoutMs: .* got -5/],
  [{ maintenanceIdleMs: 0 }, /maintenanceIdleMs: .* got 0/],
  [{ keepAliveIntervalMs: 0 }, /keepAliveIntervalMs: .* got 0/],
  [{ timeBetweenSearchesMs: Number.NaN }, /timeBetweenSearchesMs: .* got NaN/],
  [{ swapCooldownMs: -1 }, /swapCooldownMs: .* got -1/],
  [{ maxParallelDials: 0 }, /maxParallelDials: .* got 0/],
  [{ maxUndeliveredMessages: 0 }, /maxUndeliveredMessages: .* got 0/],
  [{ maxMessageBytes: -1 }, /maxMessageBytes: .* got -1/],
  [{ reconnection: { factor: 0.5 } }, /reconnection\.factor: .* from 1 to 10, got 0.5/],
  [{ reconnection: { jitter: 2 } }, /reconnection\.jitter: .* got 2/],
  [{ reconnection: { maxDelayMs: 10 } }, /reconnection\.maxDelayMs: .* from 1000 .* got 10/],
  [{ network: '' }, /network: .* got ""/],
  [{ network: 'x'.repeat(65) }, /network: a|network: expected a text of 1 to 64 bytes/],
  [{ network: '€'.repeat(22) }, /network: expected a text of 1 to 64 bytes/],
  [{ network: 7 }, /network: .* got 7/],
  [{ plainPeers: true }, /plainPeers: expected 'admit' or 'refuse', got true/],
  [{ plainPeers: 'admit', requiredProtocols: '/app/1.0.0' }, /requiredProtocols: expected an array of 0 to 64, got "\/app\/1.0.0"/],
  [{ plainPeers: 'admit', requiredProtocols: [''] }, /requiredProtocols\[0\]: .*not empty, got ""/],
  [{ requiredProtocols: ['/app/1.0.0'] }, /requiredProtocols: expected none while plainPeers is 'refuse', got an array of 1/],
  [{ applicationVersions: [] }, /applicationVersions: .*1 to 16/],
  [{ applicationVersions: [-1] }, /applicationVersions\[0\]: .* got -1/]
]

describe('a value that makes no sense', () => {
  for (const [options, message] of senseless) {
    it(`${JSON.stringify(options)} is refused, naming option, value and range`, () => {
      expect(() => resolve(options)).toThrow(message)
      expect(() => resolve(options)).toThrow(PoolError)
    })
  }

  it('undefined is no value: the default holds', () => {
    expect(resolve({ maxConnections: undefined }).maxConnections).toBe(100)
  })

  it('a key __proto__ is an unknown option, and changes nothing elsewhere', () => {
    const options = JSON.parse('{ "__proto__": { "maxConnections": 1, "polluted": true } }') as object
    expect(() => resolve(options)).toThrow('unknown option "__proto__"')
    expect(() => resolve({ reconnection: options })).toThrow('unknown option of reconnection "__proto__"')
    expect('polluted' in {}).toBe(false)
  })
})
