/**
 * What the core expects of every `Network`. Run on the memory network of the simulations, and on libp2p over TCP, WebSockets
 * and WebRTC. The suite starts and stops the two networks itself; whoever makes them provides the world around.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PeerId, Point } from '../../src/core/values/ids.ts'
import { DialError, type Link, type Network, type NetworkHandlers } from '../../src/core/values/ports.ts'
import type { DialFailure } from '../../src/core/values/reason.ts'

export interface NetworkPair {
  readonly dialer: Network
  readonly listener: Network
  /** Where the listener can be dialed by the dialer. */
  readonly point: Point
  /** Of a form the dialer can dial, but nobody is there. */
  readonly deadPoint: Point
  /** Of a form the dialer has no transport for. */
  readonly foreignPoint: Point
  /** Takes the world down. */
  stop(): Promise<void>
}

export interface NetworkTraits {
  /** A sender is told to wait while nobody reads. False for WebRTC, which has no such thing. @default true */
  readonly backPressure?: boolean
  /** The listener dials back at this point, if it can. */
  readonly dialBack?: (pair: NetworkPair) => Point
  /** What a dial to `deadPoint` gives. @default refused or unreachable */
  readonly deadFailures?: readonly DialFailure[]
}

const strangerId = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId
const never = new AbortController().signal
/** More than all buffers on the way can hold. */
const maxFlood = 96 * 1024 * 1024

export function networkContract(name: string, makePair: () => Promise<NetworkPair>, traits: NetworkTraits = {}): void {
  const { backPressure = true, dialBack, deadFailures = ['refused', 'unreachable'] } = traits

  describe(`a network: ${name}`, () => {
    let pair: NetworkPair
    let arrivals: Arrivals

    beforeEach(async () => {
      pair = await makePair()
      arrivals = new Arrivals()
      await pair.listener.start(arrivals.handlers)
      await pair.dialer.start(new Arrivals().handlers)
    })

    afterEach(async () => {
      await pair.dialer.stop()
      await pair.listener.stop()
      await pair.stop()
    })

    const dial = (point = pair.point, expectedPeerId: PeerId | undefined = pair.listener.peerId, signal = never): Promise<Link> =>
      pair.dialer.dial(point, { expectedPeerId, signal })
    const failureOf = (dialing: Promise<Link>): Promise<unknown> =>
      dialing.then(
        () => 'no failure',
        (error: unknown) => (error instanceof DialError ? error.failure : error)
      )
    const connect = async (): Promise<readonly [ours: Link, theirs: Link]> => {
      const [ours, theirs] = await Promise.all([dial(), arrivals.next()])
      return [ours, theirs]
    }

    test('a dial gives each side a link that names the other', async () => {
      const [ours, theirs] = await connect()
      expect(ours).toMatchObject({ peerId: pair.listener.peerId, direction: 'outgoing' })
      expect(theirs).toMatchObject({ peerId: pair.dialer.peerId, direction: 'incoming' })
      expect(ours.transport).toBe(theirs.transport)
      expect(pair.dialer.transports).toContain(ours.transport)
      expect(ours.remoteAddress).not.toBe('')
      await closeBoth(ours, theirs)
    })

    test('bytes arrive in the order sent, whatever the pieces', async () => {
      const [ours, theirs] = await connect()
      const sizes = [1, 2, 3, 1_000, 65_535, 65_536, 65_537, 7, 300_000, 1]
      const sent = concat(sizes.map((size, i) => pattern(size, i)))
      const reading = read(theirs, sent.length)
      for (const [i, size] of sizes.entries()) if (!ours.send(pattern(size, i))) await ours.drained(never)
      expectSame(await reading, sent)
      await closeBoth(ours, theirs)
    })

    test('the pieces of several may be written over once the link took them', async () => {
      const [ours, theirs] = await connect()
      const heads = Array.from({ length: 24 }, (_, i) => pattern(5, i))
      const payloads = heads.map((_, i) => pattern(65_536, i + 1))
      const sent = concat(heads.flatMap((head, i) => [head, payloads[i] ?? head]))
      const reading = read(theirs, sent.length)
      const buffer = new Uint8Array(65_536)
      for (const [i, head] of heads.entries()) {
        buffer.set(payloads[i] ?? [])
        if (!ours.send(head, buffer)) await ours.drained(never)
      }
      buffer.fill(0)
      expectSame(await reading, sent)
      await closeBoth(ours, theirs)
    })

    test('both sides send at once', async () => {
      const [ours, theirs] = await connect()
      const up = pattern(100_000, 1)
      const down = pattern(100_000, 2)
      const both = Promise.all([read(theirs, up.length), read(ours, down.length)])
      ours.send(up)
      theirs.send(down)
      const [upThere, downHere] = await both
      expectSame(upThere, up)
      expectSame(downHere, down)
      await closeBoth(ours, theirs)
    })

    test.runIf(backPressure)('a sender is told to wait while nobody reads, and may go on once somebody does', async () => {
      const [ours, theirs] = await connect()
      let sent = 0
      while (sent < maxFlood) {
        sent += 65_536
        if (!ours.send(pattern(65_536, 0))) {
          const waiting = await Promise.race([ours.drained(never).then(() => false), pause(300).then(() => true)])
          if (waiting) break
        }
      }
      expect(sent).toBeLessThan(maxFlood)
      const drained = ours.drained(never)
      expect((await read(theirs, sent)).length).toBe(sent)
      await drained
      await closeBoth(ours, theirs)
    })

    test('after a clean close the other side gets the last bytes, then the end', async () => {
      const [ours, theirs] = await connect()
      const last = pattern(200_000, 3)
      ours.send(last)
      const [received] = await Promise.all([readAll(theirs).finally(() => theirs.close()), ours.close()])
      expectSame(received, last)
    })

    test('what a side sent before it closed reaches a slow reader', async () => {
      const [ours, theirs] = await connect()
      // One after the other, so that the reading end takes each by itself and pauses with the last ones on the way.
      for (let i = 0; i < 4; i++) {
        ours.send(pattern(100_000, i))
        await pause(20)
      }
      await ours.close()
      expectSame(await readAll(theirs), concat([0, 1, 2, 3].map((i) => pattern(100_000, i))))
      await theirs.close()
    })

    test('a close by both at once is clean for both', async () => {
      const [ours, theirs] = await connect()
      await closeBoth(ours, theirs)
      expect((await readAll(ours)).length + (await readAll(theirs)).length).toBe(0)
    })

    test('a close does not wait for ever for a side that does not read', async () => {
      const [ours, theirs] = await connect()
      ours.send(pattern(100, 0))
      await ours.close()
      theirs.abort('done')
    })

    test('an abort shows at the other side as a broken link', async () => {
      const [ours, theirs] = await connect()
      ours.abort('enough')
      await expect(readAll(theirs)).rejects.toThrow()
      await Promise.allSettled([readAll(ours), theirs.close()])
    })

    test('nothing can be sent over a closed link', async () => {
      const [ours, theirs] = await connect()
      await closeBoth(ours, theirs)
      expect(() => ours.send(pattern(1, 0))).toThrow()
      await expect(ours.drained(never)).rejects.toThrow()
    })

    test.runIf(backPressure)('waiting for room ends with the signal and with the link', async () => {
      const [ours, theirs] = await connect()
      for (let sent = 0; sent < maxFlood && ours.send(pattern(65_536, 0)); sent += 65_536);
      for (let i = 0; i < 64; i++) ours.send(pattern(65_536, 0))
      const patience = new AbortController()
      const first = ours.drained(patience.signal)
      const second = ours.drained(never)
      patience.abort(new Error('no more patience'))
      await expect(first).rejects.toThrow('no more patience')
      ours.abort('enough')
      await expect(second).rejects.toThrow()
      theirs.abort('enough')
    })

    test('a link that lives answers in both directions, however much waits unread, and goes on', async () => {
      const [ours, theirs] = await connect()
      for (let i = 0; i < 8; i++) ours.send(pattern(65_536, i))
      await Promise.all([ours, theirs].map((link) => link.probe(AbortSignal.timeout(4_000))))
      await Promise.all([ours.close(), readAll(theirs).then((read) => expect(read.length).toBe(8 * 65_536))])
      await theirs.close()
    })

    test('a link given up as dead is broken at both ends', async () => {
      const [ours, theirs] = await connect()
      ours.abort('no sign of life', { dead: true })
      await expect(readAll(theirs)).rejects.toThrow()
      await Promise.allSettled([readAll(ours), theirs.close()])
    })

    test('nobody at the point', async () => {
      expect(deadFailures).toContain(await failureOf(dial(pair.deadPoint)))
    })

    test('somebody else at the point', async () => {
      expect(await failureOf(dial(pair.point, strangerId))).toBe('wrong-peer-id')
    })

    test('a form that nothing here can dial', async () => {
      expect(pair.dialer.canDial(pair.foreignPoint)).toBe(false)
      expect(pair.dialer.canDial(pair.point)).toBe(true)
      expect(await failureOf(dial(pair.foreignPoint, undefined))).toBe('no-transport')
    })

    test('a peer that does not speak the pool protocol', async () => {
      await pair.listener.stop()
      expect(await failureOf(dial())).toBe('no-pool')
    })

    test('a dial whose signal has fired, and one whose signal fires', async () => {
      const caller = new AbortController()
      const dialing = failureOf(dial(pair.point, pair.listener.peerId, caller.signal))
      caller.abort()
      expect(await dialing).toBe('aborted')
      expect(await failureOf(dial(pair.point, pair.listener.peerId, caller.signal))).toBe('aborted')
    })

    test.runIf(dialBack !== undefined)('both dial at once: every link works', async () => {
      const back = new Arrivals()
      await pair.dialer.stop()
      await pair.dialer.start(back.handlers)
      const point = dialBack?.(pair) as Point
      const [a, b, fromA, fromB] = await Promise.all([
        dial(),
        pair.listener.dial(point, { expectedPeerId: pair.dialer.peerId, signal: never }),
        arrivals.next(),
        back.next()
      ])
      a.send(pattern(10, 1))
      b.send(pattern(10, 2))
      expect(await read(fromA, 10)).toEqual(pattern(10, 1))
      expect(await read(fromB, 10)).toEqual(pattern(10, 2))
      await Promise.all([closeBoth(a, fromA), closeBoth(b, fromB)])
    })

    test('a network that was stopped can be started again', async () => {
      await pair.listener.stop()
      await pair.dialer.stop()
      await pair.dialer.start(new Arrivals().handlers)
      await pair.listener.start(arrivals.handlers)
      const [ours, theirs] = await connect()
      await closeBoth(ours, theirs)
    })
  })
}

/** The links that came in, in their order. */
export class Arrivals {
  readonly #links: Link[] = []
  readonly #waiting: ((link: Link) => void)[] = []
  readonly handlers: NetworkHandlers = {
    incoming: (link) => {
      const next = this.#waiting.shift()
      if (next === undefined) this.#links.push(link)
      else next(link)
    },
    ownPointsChanged: () => undefined,
    discovered: () => undefined
  }

  next(): Promise<Link> {
    const link = this.#links.shift()
    return link === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(link)
  }
}

export async function closeBoth(ours: Link, theirs: Link): Promise<void> {
  await Promise.all([ours.close(), theirs.close()])
}

/** Reads so many bytes; the rest of the last piece is lost. */
export async function read(link: Link, length: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  const chunks = link.chunks[Symbol.asyncIterator]()
  for (let got = 0; got < length; ) {
    const { done, value } = await chunks.next()
    if (done === true) throw new Error(`the link ended after ${got} of ${length} bytes`)
    pieces.push(value)
    got += value.byteLength
  }
  return concat(pieces)
}

async function readAll(link: Link): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of link.chunks) pieces.push(piece)
  return concat(pieces)
}

/** `toEqual` looks at each byte for itself and needs seconds for a megabyte. */
function expectSame(received: Uint8Array, sent: Uint8Array): void {
  expect(received.length).toBe(sent.length)
  expect(received.findIndex((byte, i) => byte !== sent[i])).toBe(-1)
}

function pattern(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) + seed * 101) & 255
  return bytes
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.byteLength
  }
  return bytes
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
