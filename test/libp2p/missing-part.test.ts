/** A node whose pool cannot load what makes links: a page whose server is gone in the middle of the start. */
import { expect, it, vi } from 'vitest'
import { createNodePeer } from '../../node/index.ts'

vi.mock('../../src/libp2p/late-network.ts', () => {
  throw new Error('the server is gone')
})

it('does not start, and says so', async () => {
  await expect(createNodePeer({ network: 'missing-part', listen: ['/ip4/127.0.0.1/tcp/0'], allowPrivate: true })).rejects.toMatchObject({
    code: 'not-started',
    message: 'a part of the pool could not be loaded'
  })
})
