/**
 * Rows over real TCP, the two sides in two processes: a connection until both sides run, and application messages; against libp2p without
 * a pool. Processor time is that of both sides.
 */
import { PeerProcess } from './processes.ts'
import { duration, median, type Row, ratioRow, significant } from './row.ts'
import type { Way } from './sides.ts'
import { pause } from './timing.ts'

/** After a connection runs, identify and the first exchange of points go on for some ms. */
const settleMs = 25
const messageBytes = 65_536

/** A dialer and a listener of one kind. */
class Pair {
  readonly dialer = new PeerProcess()
  readonly listener = new PeerProcess()
  #address = ''

  static async make(kind: 'bare' | 'pool'): Promise<Pair> {
    const pair = new Pair()
    const [[address = '']] = await Promise.all([pair.listener.call('make', kind, 1), pair.dialer.call('make', kind, 1)])
    pair.#address = address
    return pair
  }

  async processorMs(): Promise<number> {
    const [dialer, listener] = await Promise.all([this.dialer.processorMs(), this.listener.processorMs()])
    return dialer + listener
  }

  /** ms until both sides run. */
  async connect(): Promise<number> {
    const { startedAt, ranAt } = await this.dialer.call('connect', this.#address)
    await pause(settleMs)
    return Math.max(ranAt, await this.listener.call('lastRanAt')) - startedAt
  }

  async part(): Promise<void> {
    await this.dialer.call('part')
    await this.listener.call('alone')
  }

  /** ms until the last message was read. */
  async stream(count: number, way: Way): Promise<number> {
    const received = this.listener.call('receive', messageBytes, count, way)
    const startedAt = await this.dialer.call('send', messageBytes, count, way)
    return (await received) - startedAt
  }

  end(): void {
    this.dialer.end()
    this.listener.end()
  }
}

export async function connecting(): Promise<Row[]> {
  const [blocks, warmUp, perBlock] = [21, 4, 10]
  const pairs = { baseline: await Pair.make('bare'), ours: await Pair.make('pool') }
  const times = { baseline: [] as number[], ours: [] as number[] }
  const processor = { baseline: [] as number[], ours: [] as number[] }
  for (let block = -warmUp; block < blocks; block++) {
    for (const name of ['baseline', 'ours'] as const) {
      const pair = pairs[name]
      const took: number[] = []
      let spent = 0
      for (let i = 0; i < perBlock; i++) {
        const before = await pair.processorMs()
        took.push(await pair.connect())
        spent += (await pair.processorMs()) - before
        await pair.part()
      }
      if (block < 0) continue
      times[name].push(median(took))
      processor[name].push(spent / perBlock)
    }
  }
  for (const pair of Object.values(pairs)) pair.end()
  const against = 'a bare libp2p dial and one echo, TCP'
  return [
    ratioRow({ figure: 'a connection until both sides run: time', against }, times, { ratio: 1.08, show: duration }),
    ratioRow({ figure: 'the same: processor time of both sides', against }, processor, { ratio: 1.12, show: duration })
  ]
}

export async function messages(): Promise<Row[]> {
  const [rounds, warmUp, count] = [21, 4, 600]
  const pairs = { bare: await Pair.make('bare'), pool: await Pair.make('pool') }
  for (const pair of Object.values(pairs)) await pair.connect()
  const kinds = {
    raw: { pair: pairs.bare, way: 'raw' },
    framed: { pair: pairs.bare, way: 'framed' },
    pool: { pair: pairs.pool, way: 'raw' }
  } as const
  const rates = { raw: [] as number[], framed: [] as number[], pool: [] as number[] }
  const processor = { raw: [] as number[], framed: [] as number[], pool: [] as number[] }
  for (let round = -warmUp; round < rounds; round++) {
    for (const name of ['raw', 'framed', 'pool'] as const) {
      const { pair, way } = kinds[name]
      const before = await pair.processorMs()
      const ms = await pair.stream(count, way)
      const spent = (await pair.processorMs()) - before
      if (round < 0) continue
      rates[name].push((count * messageBytes) / ms / 1_000)
      processor[name].push(spent / count)
    }
  }
  for (const pair of Object.values(pairs)) pair.end()
  const show = (rate: number): string => `${significant(rate)} MB/s`
  const figure = 'messages of 64 KiB: '
  const raw = 'a raw libp2p stream, in pieces as they come'
  const framed = 'the same stream with length prefixes (`lpStream`), each message in one piece'
  return [
    ratioRow(
      { figure: `${figure}throughput`, against: raw },
      { baseline: rates.raw, ours: rates.pool },
      { ratio: 0.95, isLeast: true, show }
    ),
    ratioRow(
      { figure: `${figure}processor time of both sides`, against: raw },
      { baseline: processor.raw, ours: processor.pool },
      { ratio: 1.1, show: duration }
    ),
    ratioRow({ figure: `${figure}throughput`, against: framed }, { baseline: rates.framed, ours: rates.pool }, { show }),
    ratioRow(
      { figure: `${figure}processor time of both sides`, against: framed },
      { baseline: processor.framed, ours: processor.pool },
      { show: duration }
    )
  ]
}
