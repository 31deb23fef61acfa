import { describe, expect, it } from 'vitest'
import { createNodePeer, jsonFileStorage } from '../../../node/index.ts'
import { memoryStorage, nodePreset, PoolError, type PoolOptions, resolveConfig } from '../../../src/core/index.ts'
import { parsePeerId, parsePoint, parsePointInit } from '../../../src/libp2p/point.ts'
import { peerPool } from '../../../src/libp2p/service.ts'
import { indexedDbStorage } from '../../../web/indexed-db.ts'
import { failureOf } from '../../support/failure.ts'

const id = parsePeerId('12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o')
const point = parsePoint('/ip4/192.0.2.1/tcp/4001').point

/** Options as a user writes them, by where they are given. */
const places = {
  resolveConfig: (options: object) =>
    resolveConfig({ network: 'n', ...options } as PoolOptions, { preset: nodePreset, storage: memoryStorage() }),
  peerPool: (options: object) => peerPool({ network: 'n', ...options }),
  createNodePeer: (options: object) => createNodePeer({ network: 'n', ...options }),
  jsonFileStorage: (options: object) => jsonFileStorage('/nowhere/peers.json', options),
  indexedDbStorage: (options: object) => indexedDbStorage('n', options)
}

describe('a misspelled option is refused, with the nearest known one', () => {
  it.each<[keyof typeof places, object, string, string]>([
    ['resolveConfig', { minConnection: 3 }, 'minConnection', 'minConnections'],
    ['resolveConfig', { maxConections: 3 }, 'maxConections', 'maxConnections'],
    ['resolveConfig', { privatemode: true }, 'privatemode', 'privateMode'],
    ['resolveConfig', { trusted_points: [] }, 'trusted_points', 'trustedPoints'],
    ['resolveConfig', { reconnection: { initialDelay: 5 } }, 'initialDelay', 'initialDelayMs'],
    ['resolveConfig', { suspendedBand: { min: 1, expect: 2, max: 3 } }, 'expect', 'expected'],
    ['resolveConfig', { maxKnownPoints: { max: 5, targets: 5 } }, 'targets', 'target'],
    ['resolveConfig', { keepAliveInterval: 5 }, 'keepAliveInterval', 'keepAliveIntervalMs'],
    ['peerPool', { closeIdl: true }, 'closeIdl', 'closeIdle'],
    ['peerPool', { allowPrivatePoint: true }, 'allowPrivatePoint', 'allowPrivatePoints'],
    ['peerPool', { defaultport: 4001 }, 'defaultport', 'defaultPort'],
    ['peerPool', { trustedPoints: [{ point, expectedPeer: id }] }, 'expectedPeer', 'expectedPeerId'],
    ['createNodePeer', { identityFil: 'x' }, 'identityFil', 'identityFile'],
    ['createNodePeer', { peerFile: 'x' }, 'peerFile', 'peersFile'],
    ['createNodePeer', { minConnection: 3 }, 'minConnection', 'minConnections'],
    ['createNodePeer', { relay: { maxReservation: 5 } }, 'maxReservation', 'maxReservations'],
    ['jsonFileStorage', { maxByte: 5 }, 'maxByte', 'maxBytes'],
    ['indexedDbStorage', { firstOpen: 5 }, 'firstOpen', 'firstOpenMs']
  ])('%s(%j)', async (place, options, given, known) => {
    const { error } = await failureOf(() => places[place](options))
    expect(error).toBeInstanceOf(PoolError)
    expect(String(error)).toContain(`"${given}": did you mean ${known}?`)
  })

  it('a name that is like none is answered with all of them', async () => {
    const { error } = await failureOf(() => places.createNodePeer({ bandwidth: 5 }))
    expect(String(error)).toMatch(/unknown option "bandwidth": expected one of minConnections, .*, peersFile, /)
  })
})

describe('an option of the wrong type is refused', () => {
  const methods = { encode: () => new Uint8Array(0), decode: () => 1 }
  it.each<[keyof typeof places, object, RegExp]>([
    ['resolveConfig', { privateMode: 'yes' }, /privateMode: expected true or false, got "yes"/],
    ['resolveConfig', { discovery: 1 }, /discovery: expected true or false, got 1/],
    ['resolveConfig', { allowPrivatePoints: null }, /allowPrivatePoints: expected true or false, got null/],
    ['resolveConfig', { storage: {} }, /storage: expected an object with open\(\), load\(\), .*, got an object/],
    ['resolveConfig', { storage: 'peers.json' }, /storage: expected an object with .*, got "peers\.json"/],
    ['resolveConfig', { messageCodec: { encode: methods.encode } }, /messageCodec: expected an object with encode\(\), decode\(\)/],
    [
      'resolveConfig',
      { peerMetadata: { initial: () => 1 } },
      /peerMetadata: expected an object with initial\(\), toJson\(\), fromJson\(\)/
    ],
    [
      'resolveConfig',
      { peerMetadata: { initial: () => 1, toJson: () => 1, fromJson: () => 1, score: 5 } },
      /peerMetadata\.score: expected a function, got 5/
    ],
    [
      'resolveConfig',
      { connectionMetadata: { own: () => 1 } },
      /connectionMetadata\.codec: expected an object with encode\(\), decode\(\), got undefined/
    ],
    ['resolveConfig', { trustedPoints: point }, /trustedPoints: expected an array, got/],
    ['resolveConfig', { trustedPoints: [null] }, /trustedPoints\[0\]: expected \{ point \}, got null/],
    ['resolveConfig', { reconnection: 5 }, /reconnection: expected an object with options, got 5/],
    ['resolveConfig', { applicationVersions: '1' }, /applicationVersions: expected an array of 1 to 16, got "1"/],
    ['peerPool', { trustedPoints: [5] }, /expected a multiaddr.*, got 5/],
    ['peerPool', { trustedPoints: [null] }, /trusted point: expected \{ point \}, got null/],
    ['peerPool', { trustedPoints: ['nonsense'] }, /expected a multiaddr.*, got "nonsense"/],
    ['peerPool', { preset: 'page' }, /preset: expected \{ minConnections, .*\}, got "page"/],
    ['peerPool', { defaultPort: '4001' }, /defaultPort: expected a whole number from 1 to 65535, got "4001"/],
    ['createNodePeer', { peersFile: 5 }, /peersFile: expected a text that is not empty, got 5/],
    ['createNodePeer', { privateKey: 'secret-key' }, /privateKey: expected an object with sign\(\), equals\(\), got "string"/],
    ['createNodePeer', { listen: '/ip4/127.0.0.1/tcp/0' }, /listen: expected an array, got/],
    ['createNodePeer', { listen: ['127.0.0.1:0'] }, /listen\[0\]: expected a multiaddr .*, got "127\.0\.0\.1:0"/],
    ['createNodePeer', { relay: 'yes' }, /relay: expected true or false or an object with options, got "yes"/],
    ['createNodePeer', { relay: { maxBytes: -1 } }, /relay\.maxBytes: expected a whole number from 1 .*, got -1/],
    ['createNodePeer', { inboundConnectionThreshold: 0 }, /inboundConnectionThreshold: expected a whole number from 1 .*, got 0/],
    ['jsonFileStorage', { maxBytes: '8 MiB' }, /maxBytes: expected a whole number from 1 .*, got "8 MiB"/]
  ])('%s(%j)', async (place, options, message) => {
    const { error } = await failureOf(() => places[place](options))
    expect(error).toBeInstanceOf(PoolError)
    expect(String(error)).toMatch(message)
  })

  it.each([undefined, null, 5, 'n', []])('options that are no object: %j', async (options) => {
    for (const make of [resolveConfig, peerPool, createNodePeer]) {
      const { error } = await failureOf(() => Reflect.apply(make, undefined, [options, { preset: nodePreset, storage: memoryStorage() }]))
      expect(error).toMatchObject({ code: 'invalid-config', message: expect.stringContaining('expected an object with options') })
    }
  })

  it('trusted points may be written in every way that parsePointInit takes', () => {
    expect(parsePointInit({ point: '192.0.2.1:4001', expectedPeerId: id })).toEqual({ point, expectedPeerId: id })
  })
})

describe('one option alone works: a default that contradicts it takes the nearest value', () => {
  it.each([
    [{ maxConnections: 20 }, [10, 20, 20]],
    [{ maxConnections: 4 }, [4, 4, 4]],
    [{ maxConnections: 0 }, [0, 0, 0]],
    [{ minConnections: 70 }, [70, 70, 100]],
    [{ minConnections: 700 }, [700, 700, 700]],
    [{ expectedConnections: 3 }, [3, 3, 100]],
    [{ expectedConnections: 300 }, [10, 300, 300]],
    [{ minConnections: 2, maxConnections: 8 }, [2, 8, 8]],
    [{ minConnections: 0, expectedConnections: 0 }, [0, 0, 100]],
    [{}, [10, 50, 100]]
  ])('%j', (options, band) => {
    const { minConnections, expectedConnections, maxConnections } = places.resolveConfig(options)
    expect([minConnections, expectedConnections, maxConnections]).toEqual(band)
  })

  it('also limits of other kinds', () => {
    expect(places.resolveConfig({ maxIncoming: 2 }).maxIncomingPerHost).toBe(2)
    expect(places.resolveConfig({ reconnection: { initialDelayMs: 7_200_000 } }).reconnection.maxDelayMs).toBe(7_200_000)
  })
})

describe('the config is the pool’s own', () => {
  it('it is frozen to its depth, and what the caller keeps changes nothing', () => {
    const options = {
      reconnection: { factor: 2 },
      suspendedBand: { min: 1, expected: 2, max: 3 },
      maxKnownPoints: { max: 40, target: 30 },
      applicationVersions: [1, 2],
      trustedPoints: [{ point, expectedPeerId: undefined }]
    }
    const config = places.resolveConfig(options)
    options.reconnection.factor = 9
    options.suspendedBand.max = 99
    options.maxKnownPoints.max = 4_000
    options.applicationVersions.push(3)
    options.trustedPoints.length = 0
    expect(config).toMatchObject({
      reconnection: { factor: 2 },
      suspendedBand: { max: 3 },
      maxKnownPoints: { max: 40 },
      applicationVersions: [1, 2],
      trustedPoints: [{ point }]
    })
    for (const part of [
      config,
      config.reconnection,
      config.suspendedBand,
      config.maxKnownPoints,
      config.maxKnownPeers,
      config.applicationVersions
    ])
      expect(Object.isFrozen(part)).toBe(true)
    for (const part of [config.trustedPoints, config.trustedPoints[0], config.requiredProtocols]) expect(Object.isFrozen(part)).toBe(true)
  })

  it('what belongs to the application stays the same object, and can be changed', () => {
    const storage = memoryStorage()
    const messageCodec = { encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => bytes }
    const config = places.resolveConfig({ storage, messageCodec })
    expect([config.storage === storage, config.messageCodec === messageCodec]).toEqual([true, true])
    expect([Object.isFrozen(storage), Object.isFrozen(messageCodec)]).toEqual([false, false])
  })
})
