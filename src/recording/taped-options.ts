/**
 * The options of a pool that are code: storage, codecs, metadata, `onAdmit`. What they answer goes through a tape. The application's values
 * do not: a message, or what is noted of a peer, is in no recording.
 */

import { type PeerStorage, StorageError } from '../core/values/ports.ts'
import type { PoolConfig } from '../core/values/settings.ts'
import { type Form, type Json, nothing, type Tape } from './tape.ts'
import { readError, untold, writeError } from './taped-errors.ts'

/** What the header of a recording says of options that are code. */
export interface CodeFacts {
  readonly onAdmit: boolean
  readonly score: boolean
  readonly storage: string
  readonly openWithinMs: number | null
}

export function codeFacts({ storage, onAdmit, peerMetadata }: PoolConfig): CodeFacts {
  return {
    onAdmit: onAdmit !== undefined,
    score: peerMetadata.score !== undefined,
    storage: storage.name,
    openWithinMs: storage.openWithinMs ?? null
  }
}

/** Not in the header, since they are code or need code. */
const code: ReadonlySet<string> = new Set(['storage', 'messageCodec', 'peerMetadata', 'connectionMetadata', 'onAdmit'])

/** The settings that JSON can hold. */
export function plainSettings(config: PoolConfig): Json {
  return JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(config).filter(([name]) => !code.has(name))))) as Json
}

/** `encoded` hears of the length of each message that the application sends. */
export function tapedOptions(tape: Tape, config: PoolConfig, encoded: (bytes: number) => void): PoolConfig {
  const { messageCodec, connectionMetadata, peerMetadata, onAdmit } = config
  const decoded = tape.question('decode')
  const metadataDecoded = tape.question('metadata')
  const own = tape.question('own-metadata')
  const scored = tape.question('score')
  const { score } = peerMetadata
  let ownBytes = new Uint8Array(0)
  return {
    ...config,
    storage: tapedStorage(tape, config.storage),
    messageCodec: {
      encode: (message) => {
        const bytes = messageCodec.encode(message)
        if (bytes instanceof Uint8Array) encoded(bytes.length)
        return bytes
      },
      decode: (bytes) => {
        let message = bytes
        const fault = tape.answer(decoded, () => faultOf(() => (message = messageCodec.decode(bytes))))
        if (fault !== null) throw new Error(untold)
        return message
      }
    },
    connectionMetadata: {
      own: () => ownBytes,
      codec: {
        encode: () => {
          const answer = tape.answer(own, () => {
            const fault = faultOf(() => (ownBytes = new Uint8Array(connectionMetadata.codec.encode(connectionMetadata.own()))))
            return fault ?? ownBytes.length
          })
          if (typeof answer !== 'number') throw new Error(untold)
          return ownBytes.length === answer ? ownBytes : new Uint8Array(answer)
        },
        decode: (bytes) => {
          let metadata = bytes
          const fault = tape.answer(metadataDecoded, () => faultOf(() => (metadata = connectionMetadata.codec.decode(bytes))))
          if (fault !== null) throw new Error(untold)
          return metadata
        }
      }
    },
    peerMetadata: {
      ...peerMetadata,
      initial: () => peerMetadata.initial(),
      toJson: (metadata) => peerMetadata.toJson(metadata),
      fromJson: (json) => peerMetadata.fromJson(json),
      ...(score === undefined ? {} : { score: (metadata) => Number(tape.answer(scored, () => Number(score.call(peerMetadata, metadata)))) })
    },
    ...(onAdmit === undefined
      ? {}
      : {
          onAdmit: (peer, signal) =>
            tape.call('admit', async () => answerOf(await onAdmit.call(config, peer, signal)), { form: admitForm, apart: true }) as Promise<
              boolean | string
            >
        })
  }
}

/** `null`: it throws nothing. What it throws may quote the message. */
function faultOf(work: () => void): true | null {
  try {
    work()
    return null
  } catch {
    return true
  }
}

function answerOf(answer: unknown): Json {
  return typeof answer === 'boolean' || typeof answer === 'string' ? answer : null
}

/** What the application says of a peer stays out. */
const admitForm: Form<Json> = { write: (answer) => (typeof answer === 'string' ? 'in words' : answer), read: (json, real) => real ?? json }

const textForm: Form<string | undefined> = {
  write: (text) => (typeof text === 'string' ? withoutNotes(text) : null),
  read: (json, real) => real ?? (json === null ? undefined : String(json))
}

const lostForm: Form<StorageError> = {
  write: writeError,
  read: (json, real) => {
    const error = real ?? readError(json)
    return error instanceof StorageError ? error : new StorageError('unavailable', error.message)
  }
}

/** What the application notes of peers stays out, and why a peer was reported. */
export function withoutNotes(text: string): string {
  const lines = text.split('\n').map((line) => {
    if (!/"(metadata|reason)|\\u/.test(line)) return line
    try {
      return JSON.stringify(JSON.parse(line), (name, value: unknown) =>
        name === 'metadata' ? null : name === 'reason' ? 'not recorded' : value
      )
    } catch {
      // It is no entry for the pool either.
      return '{'
    }
  })
  return lines.join('\n')
}

function tapedStorage(tape: Tape, storage: PeerStorage): PeerStorage {
  const lost: ((error: StorageError) => void)[] = []
  const tell = tape.source('storage-lost', lostForm, (error) => lost.at(-1)?.(error))
  return {
    name: storage.name,
    openWithinMs: storage.openWithinMs,
    open: (signal, heard) => {
      lost.splice(0, lost.length, heard ?? (() => undefined))
      return tape.call('storage-open', () => storage.open(signal, tell), { form: nothing, apart: true })
    },
    load: (signal) => tape.call('storage-load', () => storage.load(signal), { form: textForm, apart: true }),
    save: (lines, signal) => tape.call('storage-save', () => storage.save(tape.apart(lines), signal), { form: nothing, apart: true }),
    quarantine: (signal) =>
      tape.call('storage-quarantine', () => storage.quarantine(signal), {
        form: { write: (place) => String(place), read: (json) => String(json) },
        apart: true
      }),
    close: () => tape.call('storage-close', () => storage.close(), { form: nothing, apart: true })
  }
}
