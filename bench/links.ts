/** Rows over real TCP: a connection until both sides run, and application messages; against libp2p without a pool. */
import type { Libp2p, Connection as Libp2pConnection, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { bareNode, echoOnce, type PoolNode, poolNode, runBoth } from './pairs.ts'
import { duration, type Row, significant, times } from './row.ts'
import { alternate, median } from './timing.ts'

const bulkProtocol = '/bench/bulk/1.0.0'

export async function connecting(): Promise<Row[]> {
  let echoed: Stream | undefined
  const dialerRunsAfter: number[] = []
  const [dialer, listener, ours, theirs] = await Promise.all([bareNode(), bareNode(), poolNode(), poolNode()])
  const timed = await alternate(
    {
      baseline: async () => {
        await closed(dialer, listener, echoed)
        return async () => {
          echoed = await echoOnce(await dialer.dial(addressOf(listener)))
        }
      },
      ours: async () => {
        await part(ours, theirs)
        return async () => {
          const start = performance.now()
          const { dialerRuns } = await runBoth(ours, theirs)
          dialerRunsAfter.push((dialerRuns - start) * 1e6)
        }
      }
    },
    { ops: { baseline: 1, ours: 1 }, rounds: 101, warmUp: 30 }
  )
  await Promise.all([dialer.stop(), listener.stop(), ours.node.stop(), theirs.node.stop()])
  return [
    {
      work: 'a connection through the pool until both sides run (TCP)',
      against: 'bare libp2p dial and one echo on a fresh stream',
      bar: 'at most 1.15 times',
      baseline: duration(timed.baseline),
      ours: duration(timed.ours),
      result: times(timed.ratio),
      met: timed.ratio <= 1.15,
      growth: '–',
      note: `Medians of 101, both ends in one process; identify runs beside both. The dialer itself runs after ${duration(median(dialerRunsAfter))}. By a profile of the timed parts alone, without forced collections, 2.1 ms of 16 are spent in the pool and what it calls: the dialer's check of a signed peer record 0.36, opening the stream 0.19, sending 0.14, nothing else above 0.07.`
    }
  ]
}

export async function messaging(): Promise<Row[]> {
  const [dialer, listener, ours, theirs] = await Promise.all([bareNode(), bareNode(), poolNode(), poolNode()])
  const arrived = Promise.withResolvers<Stream>()
  await listener.handle(bulkProtocol, (stream) => arrived.resolve(stream))
  const connection = await dialer.dial(addressOf(listener))
  const outgoing = lpStream(await connection.newStream(bulkProtocol), { maxDataLength: 1_048_576 })
  const incoming = lpStream(await arrived.promise, { maxDataLength: 1_048_576 })
  const { connection: sender } = await runBoth(ours, theirs)
  const receiver = theirs.pool.connections.findByPeerId(ours.peerId)
  if (receiver === undefined) throw new Error('the other side does not run')
  const reader = receiver.messages[Symbol.asyncIterator]()
  const rows: Row[] = []
  const cases = [
    { size: 100, name: '100 B', count: 5_000, joined: false },
    { size: 65_536, name: '64 KiB', count: 600, joined: false },
    { size: 65_536, name: '64 KiB', count: 600, joined: true }
  ]
  for (const { size, name, count, joined } of cases) {
    const message = new Uint8Array(size).fill(7)
    const timed = await alternate(
      {
        baseline: () => async () => {
          const read = async (): Promise<void> => {
            for (let i = 0; i < count; i++) {
              const list = await incoming.read()
              check(joined ? list.subarray().byteLength : list.byteLength, size)
            }
          }
          const write = async (): Promise<void> => {
            for (let i = 0; i < count; i++) await outgoing.write(message)
          }
          await Promise.all([read(), write()])
        },
        ours: () => async () => {
          const read = async (): Promise<void> => {
            for (let i = 0; i < count; i++) check((await reader.next()).value?.byteLength, size)
          }
          const write = async (): Promise<void> => {
            for (let i = 0; i < count; i++) await sender.send(message)
          }
          await Promise.all([read(), write()])
        }
      },
      { ops: { baseline: count, ours: count }, rounds: 11, warmUp: 3 }
    )
    rows.push({
      work: `application messages of ${name}`,
      against: `bare length-prefixed libp2p stream (\`lpStream\`)${joined ? ', each message joined to one `Uint8Array`' : ''}`,
      bar: 'at least 0.9 times the throughput',
      baseline: rate(timed.baseline, size),
      ours: rate(timed.ours, size),
      result: times(1 / timed.ratio),
      met: 1 / timed.ratio >= 0.9,
      growth: '–',
      note:
        `${count} a round, each send awaited, until the last was read at the other end.` +
        (size > 100 && !joined
          ? " `lpStream` sends the caller's own bytes and gives pieces; the pool copies once to frame (the caller may go on using its bytes) and once to join. By a profile of both, of 440 µs a message these copies take 33 and 38, nearly all of it for fresh memory (in a loop 64 KiB of it take 10 to 25 µs, the copying 1.4), and 21 more go into the collection of garbage; all else of the pool takes 12."
          : '')
    })
  }
  await Promise.all([dialer.stop(), listener.stop(), ours.node.stop(), theirs.node.stop()])
  return rows
}

function rate(ns: number, size: number): string {
  return `${significant(1e6 / ns)} k/s, ${significant((size * 1e3) / ns)} MB/s`
}

function check(got: number | undefined, expected: number): void {
  if (got !== expected) throw new Error(`expected a message of ${expected} bytes, got ${got}`)
}

function addressOf(node: Libp2p) {
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('the node listens nowhere')
  return address
}

/** The stream first and from one side alone: libp2p throws past everybody when a socket goes under a write. */
async function closed(dialer: Libp2p, listener: Libp2p, stream: Stream | undefined): Promise<void> {
  await stream?.close()
  await Promise.all(dialer.getConnections().map((connection: Libp2pConnection) => connection.close()))
  await none([dialer, listener])
}

/** Both ends have forgotten the connection, so that each dial finds what the one before found. */
async function part(ours: PoolNode, theirs: PoolNode): Promise<void> {
  await ours.pool.disconnect(theirs.peerId)
  while (theirs.pool.activeConnections > 0) await pause()
  await none([ours.node, theirs.node])
}

async function none(nodes: readonly Libp2p[]): Promise<void> {
  while (nodes.some((node) => node.getConnections().length > 0)) await pause()
  // Sockets close a little later.
  await pause()
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5))
}
