/**
 * The messages of the introduction protocol, which come before the bytes of an introduction on the same stream. Each is one byte of
 * length, one byte of kind, and for some kinds the text of a peer id, which is not checked here. Used by `introductions.ts`.
 */
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'
import { deadline, onAbort } from '../core/flows/waits.ts'
import type { Clock } from '../core/values/ports.ts'
import { answerMs, introductionProtocol } from './introduction-host.ts'
import { closeSoon } from './introduction-splice.ts'

/** What an introducer or a guest says to a request. */
export type IntroductionAnswer = (typeof answers)[number]

export type IntroductionMessage =
  /** Guest to introducer: others may come to me over you, while this stream is open. */
  | { readonly kind: 'guest' }
  /** Dialer to introducer: connect me with this guest. */
  | { readonly kind: 'introduce'; readonly peerId: string }
  /** Introducer to guest: this peer wants to connect with you. */
  | { readonly kind: 'visit'; readonly peerId: string }
  | { readonly kind: IntroductionAnswer }

const requests = ['guest', 'introduce', 'visit'] as const
const answers = [
  'ok',
  'unknown', // the introducer has no such guest now
  'refused', // by a limit or a rule of the introducer
  'failed' // the guest refused or did not answer
] as const
/** The number on the wire is the place in this list. New kinds go to its end. */
const kinds = [...requests, ...answers] as const

/** A peer id in text has 128 characters at most. */
const maxBytes = 129
/** All that may wait unread in a stream of the protocol. More of it ends the stream. */
export const maxUnreadBytes = 65_536

/** Throws what libp2p throws if the stream can take nothing. */
export function sendMessage(stream: Stream, message: IntroductionMessage): void {
  const text = 'peerId' in message ? message.peerId : ''
  const bytes = Uint8Array.of(1 + text.length, kinds.indexOf(message.kind), ...Array.from(text, (letter) => letter.charCodeAt(0)))
  stream.send(bytes)
}

/**
 * The next message. What comes after it stays in the stream. Rejects if it is no message, if the stream ends before, and when the signal
 * fires; the caller ends the stream then.
 */
export function readMessage(stream: Stream, signal: AbortSignal): Promise<IntroductionMessage> {
  stream.maxReadBufferLength = maxUnreadBytes
  return new Promise((resolve, reject) => {
    let got: number[] = []
    const settle = (result: () => void): void => {
      stream.removeEventListener('message', take)
      stream.removeEventListener('close', ended)
      stream.removeEventListener('end', ended)
      forget()
      result()
    }
    const take = ({ data }: StreamMessageEvent): void => {
      const bytes = data.subarray()
      const length = got[0] ?? bytes[0] ?? 0
      const wanted = 1 + length - got.length
      got = [...got, ...bytes.subarray(0, Math.max(0, wanted))]
      const isLength = length > 0 && length <= maxBytes
      if (isLength && got.length <= length) return
      const message = isLength ? messageOf(got) : undefined
      settle(() => (message === undefined ? reject(new Error('not a message of the introduction protocol')) : resolve(message)))
      if (bytes.length > wanted) stream.unshift(bytes.subarray(wanted))
    }
    // What came before the end is handed over first.
    const ended = (): void => {
      if (stream.readBufferLength === 0) settle(() => reject(new Error('the stream ended')))
    }
    stream.addEventListener('message', take)
    stream.addEventListener('close', ended)
    stream.addEventListener('end', ended)
    let forget = (): void => undefined
    forget = onAbort(signal, () => settle(() => reject(signal.reason)))
    if (stream.readStatus === 'closed') ended()
  })
}

/** Sends a request on a stream of its own. Rejects if the stream ends before the answer, and when the signal fires. */
export async function request(
  connection: Connection,
  message: IntroductionMessage,
  signal: AbortSignal
): Promise<{ readonly stream: Stream; readonly answer: IntroductionMessage['kind'] }> {
  const stream = await connection.newStream(introductionProtocol, { signal })
  try {
    sendMessage(stream, message)
    return { stream, answer: (await readMessage(stream, signal)).kind }
  } catch (error) {
    stream.abort(error as Error)
    throw error
  }
}

/** The stream of a request to which the peer says yes in time. Never rejects. */
export async function agreed(
  connection: Connection,
  message: IntroductionMessage,
  { clock, given = [] }: { readonly clock: Clock; readonly given?: readonly AbortSignal[] }
): Promise<Stream | undefined> {
  const { signal, cancel } = deadline(clock, answerMs, { given })
  try {
    const { stream, answer } = await request(connection, message, signal)
    if (answer === 'ok') return stream
    closeSoon(stream, clock)
    return undefined
  } catch {
    return undefined
  } finally {
    cancel()
  }
}

function messageOf([, number = -1, ...letters]: readonly number[]): IntroductionMessage | undefined {
  const kind = kinds[number]
  if (kind === undefined) return undefined
  if (kind !== 'introduce' && kind !== 'visit') return letters.length === 0 ? { kind } : undefined
  return { kind, peerId: String.fromCharCode(...letters) }
}
