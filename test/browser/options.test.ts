import { describe, expect, test } from 'vitest'
import { createTabPeer, createWebPeer, indexedDbStorage } from '../../web/index.ts'

const makers = {
  createTabPeer: (options: object) => createTabPeer({ network: 'n', ...options }),
  createWebPeer: (options: object) => createWebPeer({ network: 'n', ...options }),
  indexedDbStorage: async (options: object) => indexedDbStorage('n', options)
}

describe('an option that cannot be is refused before a node starts', () => {
  test.each<readonly [keyof typeof makers, object, string]>([
    ['createTabPeer', { iceServer: [] }, 'unknown option "iceServer": did you mean iceServers?'],
    ['createTabPeer', { tabs: 'own' }, 'unknown option "tabs"'],
    ['createTabPeer', { iceServers: 'stun:stun.example.org' }, 'iceServers: expected an array, got "stun:stun.example.org"'],
    ['createTabPeer', { privateMode: 'yes' }, 'privateMode: expected true or false, got "yes"'],
    ['createWebPeer', { onOwnr: () => undefined }, 'unknown option "onOwnr": did you mean onOwner?'],
    ['createWebPeer', { onOwner: true }, 'onOwner: expected a function, got true'],
    ['createWebPeer', { tabs: 'both' }, "tabs: expected 'share' or 'own', got \"both\""],
    ['createWebPeer', { name: '' }, 'name: expected a text that is not empty, got ""'],
    ['createWebPeer', { listen: ['nowhere'] }, 'listen[0]: expected a multiaddr'],
    ['createWebPeer', { maxConnection: 4 }, 'unknown option "maxConnection": did you mean maxConnections?'],
    ['indexedDbStorage', { maxByte: 4 }, 'unknown option "maxByte": did you mean maxBytes?']
  ])('%s(%j)', async (maker, options, message) => {
    await expect(makers[maker](options)).rejects.toMatchObject({ code: 'invalid-config', message: expect.stringContaining(message) })
  })
})
