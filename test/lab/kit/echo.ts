/**
 * How the laboratory knows that a path works: a message goes to a peer and comes back. A first byte tells questions from answers. Used by
 * pages and by Node peers.
 */

const question = 0
const answer = 1
const everyMs = 50

/** What the sides of a path have in common. */
export interface EchoPool {
  /** May reject or throw: the peer is not connected, or takes nothing. */
  send(peerId: string, bytes: Uint8Array): Promise<unknown>
}

export class Echo {
  readonly #pool: EchoPool
  /** By the number of the question. */
  readonly #waiting = new Map<number, () => void>()
  #asked = 0

  constructor(pool: EchoPool) {
    this.#pool = pool
  }

  /** For every message that comes. */
  heard(peerId: string, message: Uint8Array): void {
    const number = new DataView(message.buffer, message.byteOffset, message.byteLength).getUint32(1)
    if (message[0] === question) this.#send(peerId, { kind: answer, number })
    else this.#waiting.get(number)?.()
  }

  /**
   * Asks again and again, from now on. Resolves with the time until the first answer, ms; with `undefined` if none comes within the
   * deadline.
   */
  async firstAnswer(peerId: string, withinMs: number): Promise<number | undefined> {
    const began = performance.now()
    const numbers: number[] = []
    try {
      return await new Promise((resolve) => {
        const end = (): void => {
          clearInterval(timer)
          const tookMs = performance.now() - began
          resolve(tookMs <= withinMs ? tookMs : undefined)
        }
        const ask = (): void => {
          if (performance.now() - began > withinMs) {
            end()
            return
          }
          const number = ++this.#asked
          numbers.push(number)
          this.#waiting.set(number, end)
          this.#send(peerId, { kind: question, number })
        }
        const timer = setInterval(ask, everyMs)
        ask()
      })
    } finally {
      for (const number of numbers) this.#waiting.delete(number)
    }
  }

  #send(peerId: string, { kind, number }: { kind: number; number: number }): void {
    const bytes = new Uint8Array(5)
    bytes[0] = kind
    new DataView(bytes.buffer).setUint32(1, number)
    // Refused while there is no connection: the next question may find one.
    void this.#pool.send(peerId, bytes).catch(() => undefined)
  }
}
