/** In a page: a peer that speaks the introduction protocol by hand, and sends through an introducer whatever that lets through. */
import type { Connection, Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { introductionProtocol } from '../../src/libp2p/introduction-host.ts'
import { readMessage, sendMessage } from '../../src/libp2p/introduction-message.ts'

/** For the introducer's answer, ms. */
const answerMs = 10_000
const pieceBytes = 1_024

export interface RawVisit {
  /** What the introducer said. */
  readonly answer: string
  /** From its answer until the stream was closed, ms. */
  readonly lastedMs: number
}

export class RawIntroductions {
  readonly #node: Pick<Libp2p, 'getConnections' | 'handle'>
  /** Bytes that came through, one entry for each visit. */
  readonly visits: number[] = []

  constructor(node: Pick<Libp2p, 'getConnections' | 'handle'>) {
    this.#node = node
  }

  /** Takes all visits, and reads what comes until the stream is closed. */
  async begin(): Promise<void> {
    await this.#node.handle(introductionProtocol, async (stream) => {
      await readMessage(stream, AbortSignal.timeout(answerMs))
      const visit = this.visits.push(0) - 1
      stream.addEventListener('message', ({ data }) => {
        this.visits[visit] = (this.visits[visit] ?? 0) + data.byteLength
      })
      sendMessage(stream, { kind: 'ok' })
    })
  }

  async reserve(introducer: string): Promise<string> {
    const stream = await this.#stream(introducer)
    sendMessage(stream, { kind: 'guest' })
    return (await readMessage(stream, AbortSignal.timeout(answerMs))).kind
  }

  /** Sends a KiB every so many ms, as long as the introducer passes it on. */
  async visit(introducer: string, to: string, everyMs: number): Promise<RawVisit> {
    let stream: Stream | undefined
    try {
      stream = await this.#stream(introducer)
      sendMessage(stream, { kind: 'introduce', peerId: to })
      const { kind: answer } = await readMessage(stream, AbortSignal.timeout(answerMs))
      const begun = performance.now()
      while (answer === 'ok' && stream.status === 'open') {
        stream.send(new Uint8Array(pieceBytes))
        await new Promise((resolve) => setTimeout(resolve, everyMs))
      }
      return { answer, lastedMs: performance.now() - begun }
    } catch (error) {
      return { answer: String(error), lastedMs: 0 }
    } finally {
      stream?.abort(new Error('over'))
    }
  }

  #stream(introducer: string): Promise<Stream> {
    const isWith = ({ remotePeer, limits }: Connection): boolean => remotePeer.toString() === introducer && limits === undefined
    const connection = this.#node.getConnections().find(isWith)
    if (connection === undefined) throw new Error('not connected with the introducer')
    return connection.newStream(introductionProtocol, { signal: AbortSignal.timeout(answerMs) })
  }
}
