/** How nodes of a network in memory connect by texts that a test carries from one to the other. */
import type { PeerId } from '../core/values/ids.ts'
import { type CopiedSignalling, DialError, type Link, type SignallingAnswer, type SignallingOffer } from '../core/values/ports.ts'
import { PoolError } from '../core/values/reason.ts'

/** What a node is to its signalling. */
export interface SignallingNode<Node> {
  readonly peerId: PeerId
  /** Waits until a message would be with the other node, or for ever if it does not get there. Rejects with `DialError` when the signal fires. */
  arriveAt(other: Node, signal: AbortSignal): Promise<void>
  /** Links the two nodes. Returns the end of this one, and gives the other end to the other. Throws `DialError`. */
  meet(other: Node): Link
}

interface WaitingAnswer<Node> {
  readonly node: Node
  readonly offer: string
  take(link: Link): void
}

/** The texts of one network that still mean something. */
export class CopiedTexts<Node extends SignallingNode<Node>> {
  readonly #offers = new Map<string, Node>()
  readonly #answers = new Map<string, WaitingAnswer<Node>>()
  #made = 0

  /** How many there are. */
  get size(): number {
    return this.#offers.size + this.#answers.size
  }

  /** The signalling of one node. */
  of(node: Node): CopiedSignalling {
    return {
      offer: (signal) => (signal.aborted ? Promise.reject(aborted(signal)) : Promise.resolve(this.#offer(node))),
      answer: async (offer, { peerId, signal }) => this.#answer(node, { offer, peerId, signal })
    }
  }

  #offer(node: Node): SignallingOffer {
    const text = `offer-${++this.#made}`
    this.#offers.set(text, node)
    return {
      text,
      accept: async (answer, { peerId, signal }) => {
        const waiting = this.#answers.get(answer)
        if (waiting === undefined && !/^answer-\d+$/.test(answer))
          throw new PoolError('invalid-invitation', 'expected the answer to an offer, got something else')
        if (waiting === undefined || waiting.offer !== text) return never(signal)
        await node.arriveAt(waiting.node, signal)
        await waiting.node.arriveAt(node, signal)
        if (waiting.node.peerId !== peerId) throw new DialError('wrong-peer-id', `${waiting.node.peerId} answered`)
        waiting.take(waiting.node.meet(node))
      },
      end: () => void this.#offers.delete(text)
    }
  }

  #answer(
    node: Node,
    { offer, peerId, signal }: { readonly offer: string; readonly peerId: PeerId; readonly signal: AbortSignal }
  ): SignallingAnswer {
    if (signal.aborted) throw aborted(signal)
    if (!/^offer-\d+$/.test(offer)) throw new PoolError('invalid-invitation', 'expected an offer, got something else')
    const text = `answer-${++this.#made}`
    const link = new Promise<Link>((resolve, reject) => {
      const end = (): void => {
        this.#answers.delete(text)
        reject(aborted(signal))
      }
      signal.addEventListener('abort', end, { once: true })
      const take = (made: Link): void => {
        signal.removeEventListener('abort', end)
        this.#answers.delete(text)
        if (made.peerId === peerId) resolve(made)
        else {
          made.abort('another peer')
          reject(new DialError('wrong-peer-id', `expected ${peerId}, ${made.peerId} answered`))
        }
      }
      this.#answers.set(text, { node, offer, take })
    })
    return { text, link }
  }
}

function aborted(signal: AbortSignal): DialError {
  return new DialError('aborted', 'it was called off', { cause: signal.reason })
}

function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(aborted(signal))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
