/**
 * The private key of a page, in libp2p's protobuf form, kept in IndexedDB under the key `identity`. Made once: pages of one
 * site that start together get the same key. Called by `tab-peer.ts`.
 */
import { privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { get, set, type UseStore, update } from 'idb-keyval'
import { abortable } from '../src/core/flows/waits.ts'
import { newIdentityKey, readIdentityKey } from '../src/libp2p/identity-key.ts'
import { openDatabase, storageErrorOf } from './database.ts'

const identityKey = 'identity'
const brokenKey = 'identity-broken'

/** The identity of a page. */
export interface WebIdentity {
  /** The key that the peer id is derived from. */
  readonly privateKey: PrivateKey
  /** False: the key lives in this page only, and the next visit is another peer. */
  readonly persistent: boolean
  /** For people: why the key is not kept, or that a broken one was replaced. */
  readonly notice: string | undefined
}

/** Opening the database, reading and writing the key together. Leaves the pool, which opens it next, a bit of its two seconds. */
const deadlineMs = 1_500

/**
 * The private key of this site, made and stored under `name` if there is none.
 * Never rejects for the browser's sake, and takes at most a second and a half: without a working storage the key is a new one in
 * memory. A stored key that cannot be used is kept under `identity-broken` and replaced, since a page has no other remedy.
 */
export async function loadOrCreateWebIdentity(name: string): Promise<WebIdentity> {
  try {
    return await onDatabase(name, (use, signal) => stored(name, use, signal))
  } catch (error) {
    const { privateKey } = await newIdentityKey()
    return { privateKey, persistent: false, notice: storageErrorOf(error, `cannot keep the identity ${name}`).message }
  }
}

/**
 * A key that could not be kept when it was made, once the storage works: kept unless another one is there, which the next visit has
 * then. Never rejects.
 */
export async function keepWebIdentity(name: string, identity: WebIdentity): Promise<WebIdentity> {
  const bytes = privateKeyToProtobuf(identity.privateKey)
  try {
    const kept = await onDatabase(name, async (use) => {
      await update<unknown>(identityKey, (now) => now ?? bytes, use)
      return get<unknown>(identityKey, use)
    })
    return isSame(kept, bytes) ? { ...identity, persistent: true, notice: undefined } : identity
  } catch {
    // It stays as it is, with the notice that it has already.
    return identity
  }
}

/** Opens the database for one act, which gets `deadlineMs` with the opening. */
async function onDatabase<T>(name: string, act: (use: UseStore, signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(deadlineMs)
  const database = await openDatabase(name, signal)
  try {
    return await abortable(act(database.use, signal), signal)
  } finally {
    database.close()
  }
}

async function stored(name: string, use: UseStore, signal: AbortSignal): Promise<WebIdentity> {
  let notice: string | undefined
  for (;;) {
    const found: unknown = await get(identityKey, use)
    const privateKey = await readable(found)
    if (privateKey !== undefined) return { privateKey, persistent: true, notice }
    signal.throwIfAborted()
    if (found !== undefined) {
      notice = `the stored identity ${name} could not be used; a new one was made`
      await set(brokenKey, found, use)
    }
    const { bytes } = await newIdentityKey()
    // Another page may have been faster: what it wrote in place of what we found stays, and is read in the next round.
    await update<unknown>(identityKey, (now) => (isSame(now, found) ? bytes : now), use)
  }
}

async function readable(found: unknown): Promise<PrivateKey | undefined> {
  if (!(found instanceof Uint8Array)) return undefined
  return readIdentityKey(found).catch(() => undefined)
}

/** Of two values that are not bytes one is as useless as the other. */
function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.length === b.length && a.every((byte, i) => byte === b[i])
  return a instanceof Uint8Array === b instanceof Uint8Array
}
