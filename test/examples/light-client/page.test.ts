import { describe, expect, it } from 'vitest'
import { noHash } from '../../../examples/light-client/chain/header.ts'
import { Aftermaths } from '../../../examples/light-client/page/aftermath.ts'
import { readSettings } from '../../../examples/light-client/page/settings.ts'
import { aftermathPieces, claimText, latencyText, newsPieces, phaseText, progressText } from '../../../examples/light-client/page/words.ts'
import type { PeerId, PoolEventName } from '../../../src/core/index.ts'
import { testRules } from './chains.ts'

const [alice, bob, carol] = ['alice', 'bob', 'carol'] as PeerId[] as [PeerId, PeerId, PeerId]

describe('settings', () => {
  const good = {
    network: 'n',
    trustedPoints: ['/ip4/127.0.0.1/tcp/1/ws'],
    firstPoints: [],
    band: { min: 5, expected: 5, max: 5 },
    rules: { ...testRules, checkpoints: [{ height: 9, hash: noHash }] }
  }

  it('come back as they were written', () => {
    expect(readSettings(JSON.parse(JSON.stringify(good)))).toEqual(good)
  })

  it.each<[string, unknown, string]>([
    ['nothing', null, 'the settings: expected an object, got null'],
    ['no network', { ...good, network: 7 }, 'network: expected a text, got 7'],
    ['no list of points', { ...good, trustedPoints: 'x' }, 'trustedPoints: expected a list, got "x"'],
    ['a band without a number', { ...good, band: { min: 1 } }, 'band.expected: expected a number, got nothing'],
    ['a checkpoint without a hash', { ...good, rules: { ...testRules, checkpoints: [{ height: 1, hash: 'zz' }] } }, 'a hash: expected 64'],
    ['no first header', { ...good, rules: { ...testRules, genesis: undefined } }, 'rules.genesis: expected an object, got nothing']
  ])('%s: says what was expected', (_name, json, message) => {
    expect(() => readSettings(json)).toThrow(message)
  })
})

describe('words', () => {
  const claim = { kind: 'status', height: 1_234, head: noHash, totalWork: 5n } as const
  const head = { header: { ...testRules.genesis, height: 12 }, hash: noHash, totalWork: 1n, order: 12 }

  it.each([
    ['agrees', true, '1,234, shown'],
    ['checking', true, '1,234, not shown yet'],
    ['lied', false, '1,234, not shown'],
    ['agrees', false, '1,234']
  ] as const)('of a claim: %s, connected %s', (verdict, connected, text) => {
    expect(claimText({ claim, verdict, connected })).toBe(text)
  })

  it('of time: how long an answer took, or how long it has been waited for', () => {
    expect(latencyText({ latencyMs: undefined, askedForMs: undefined })).toBe('–')
    expect(latencyText({ latencyMs: 0.2, askedForMs: undefined })).toBe('1 ms')
    expect(latencyText({ latencyMs: 20.4, askedForMs: 599 })).toBe('20 ms')
    expect(latencyText({ latencyMs: 20.4, askedForMs: 1_250 })).toBe('waiting, 1.3 s')
  })

  it('of progress', () => {
    expect(progressText({ phase: 'searching', head: { ...head, order: 0 }, claimedHeight: 0, verified: 0 })).toBe(
      'Nothing is verified yet.'
    )
    expect(progressText({ phase: 'syncing', head, claimedHeight: 600, verified: 12 })).toBe(
      'Verified 12 of the 600 headers that most peers claim.'
    )
    expect(progressText({ phase: 'following', head, claimedHeight: 12, verified: 13 })).toBe(
      'This page has verified every header itself: 13 of them.'
    )
  })

  it('of the phase: without peers it is not at the head, whatever it has', () => {
    expect(phaseText({ phase: 'following', peers: [] }, false)).toBe('Looking for peers')
    expect(phaseText({ phase: 'syncing', peers: [] }, true)).toBe('Offline')
  })

  it('of news, with the peers in their places', () => {
    expect(newsPieces(alice, { kind: 'switched', to: bob, why: 'late' })).toEqual([
      { peerId: alice },
      ' did not answer: ',
      { peerId: bob },
      ' was asked instead'
    ])
    expect(newsPieces(alice, { kind: 'reorganised', reorganisation: { forkHeight: 1_000, dropped: 1, adopted: 2 } })).toEqual([
      'Reorganised after ',
      '1,000',
      ': 1 out, 2 in, shown by ',
      { peerId: alice }
    ])
  })

  it('of what became of a liar', () => {
    expect(aftermathPieces({ greylisted: false, goneAfterMs: undefined, replacement: undefined })).toEqual(['Reported; still connected.'])
    expect(aftermathPieces({ greylisted: true, goneAfterMs: 3.4, replacement: { peerId: bob, afterMs: 1_240 } })).toEqual([
      'Reported, and out after 3 ms, greylisted. Replaced by ',
      { peerId: bob },
      ' after 1.2 s.'
    ])
  })
})

describe('what became of liars', () => {
  const world = () => {
    const listeners = new Map<PoolEventName, (event: unknown) => void>()
    const pool = {
      addEventListener: (name: PoolEventName, listener: (event: never) => void) => void listeners.set(name, listener as never)
    }
    const aftermaths = new Aftermaths(pool)
    return { aftermaths, tell: (name: PoolEventName, detail: unknown, at: number) => listeners.get(name)?.({ type: name, detail, at }) }
  }

  it('each is replaced by one newcomer, in the order in which they went', () => {
    const { aftermaths, tell } = world()
    for (const peerId of [alice, bob]) tell('peer-reported', { peerId, kind: 'fault', greylisted: true }, 1)
    tell('connection-closed', { peerId: bob }, 2)
    tell('connection-opened', { peerId: carol }, 3)
    expect(aftermaths.of(alice)).toEqual({ greylisted: true, goneAt: undefined, replacement: undefined })
    expect(aftermaths.of(bob)).toEqual({ greylisted: true, goneAt: 2, replacement: { peerId: carol, at: 3 } })
  })

  it('a peer that was merely slow, or comes back itself, is no liar and no replacement', () => {
    const { aftermaths, tell } = world()
    tell('peer-reported', { peerId: carol, kind: 'slow', greylisted: false }, 1)
    tell('peer-reported', { peerId: alice, kind: 'fault', greylisted: false }, 1)
    tell('connection-closed', { peerId: alice }, 2)
    tell('connection-opened', { peerId: alice }, 3)
    expect(aftermaths.of(carol)).toBeUndefined()
    expect(aftermaths.of(alice)?.replacement).toBeUndefined()
  })
})
