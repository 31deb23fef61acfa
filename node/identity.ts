/**
 * The identity file: the private key of a Node peer, in libp2p's protobuf form, readable by its owner alone. Made once;
 * never overwritten, since with the key goes the peer id that others know, trust or ban. Called by `createNodePeer`.
 */
import type { PrivateKey } from '@libp2p/interface'
import { newIdentityKey, readIdentityKey } from '../src/libp2p/identity-key.ts'
import { loadOrCreateSecret } from './secret-file.ts'

/**
 * The key in `path`, made there if there is none. Of several processes that start at once, all get the same key.
 * Rejects with `StorageError`: `no-permission` if others may read the file (with the command that helps), or if the file, its folder or a
 * link to it belongs to another user than this process's or root; `broken` if it holds no key, `too-large`, `unavailable`, `full`.
 */
export function loadOrCreateIdentity(path: string): Promise<PrivateKey> {
  return loadOrCreateSecret(path, {
    name: 'identity file',
    holds: 'private key',
    advice: 'restore it, or move it away to get a new identity',
    read: readIdentityKey,
    make: async () => {
      const { privateKey, bytes } = await newIdentityKey()
      return { value: privateKey, bytes }
    }
  })
}
