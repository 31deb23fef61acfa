/**
 * The other process of `cost.test.ts`: a Node peer whose application reads, answers, or leaves unread what comes. It says its address, and
 * then what each request cost: the longest turn of its event loop, processor time, and memory held.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createNodePeer } from '../../node/index.ts'

export type Application = 'reads' | 'answers' | 'leaves unread'

/** What the child is asked to do before it tells what it spent. */
export interface Request {
  /** So many messages of a MiB to all. */
  readonly broadcasts?: number
  /** Measure memory, which takes a long turn of its own. */
  readonly memory?: boolean
}

/** Since the last request. */
export interface Spent {
  /** Processor time of the longest turn, so that a busy machine adds little. */
  readonly longestTurnMs: number
  readonly cpuMs: number
  /** Heap and buffers after a collection; 0 if not asked for. */
  readonly heldBytes: number
  readonly connections: number
  readonly messagesRead: number
  readonly messagesDropped: number
  /** Events `messages-dropped`. */
  readonly dropEvents: number
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const application = process.argv[2] as Application
const { pool, node } = await createNodePeer({
  network: 'test',
  listen: ['/ip4/127.0.0.1/tcp/0'],
  inboundConnectionThreshold: 1_000,
  allowPrivatePoints: true,
  minConnections: 0,
  expectedConnections: 10,
  maxConnections: 100
})
let messagesRead = 0
let dropEvents = 0
pool.addEventListener('messages-dropped', () => dropEvents++)
async function read(messages: AsyncIterable<Uint8Array>, answer: (message: Uint8Array) => Promise<void> | undefined): Promise<void> {
  for await (const message of messages) {
    messagesRead++
    if (application === 'answers') answer(message)?.catch(() => undefined)
  }
}

pool.addEventListener('connection-opened', ({ detail: { peerId } }) => {
  const connection = pool.connections.findByPeerId(peerId)
  if (connection !== undefined && application !== 'leaves unread') void read(connection.messages, (message) => connection.send(message))
})

/** Of this thread alone. */
function busyMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

let last = busyMs()
let longest = 0
setInterval(() => {
  const now = busyMs()
  longest = Math.max(longest, now - last)
  last = now
}, 1)
let cpu = process.cpuUsage()

/** What native code holds goes a moment after the objects that hold it. */
async function held(): Promise<number> {
  collect()
  await new Promise((resolve) => setTimeout(resolve, 200))
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function answer({ broadcasts = 0, memory = false }: Request): Promise<void> {
  for (let i = 0; i < broadcasts; i++) {
    pool.broadcast(new Uint8Array(1_048_576).fill(i))
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { user, system } = process.cpuUsage(cpu)
  const times = { longestTurnMs: longest, cpuMs: (user + system) / 1_000 }
  const heldBytes = memory ? await held() : 0
  const messagesDropped = pool.connections.list().reduce((sum, { stat }) => sum + stat.messagesDropped, 0)
  const spent: Spent = { ...times, heldBytes, connections: pool.activeConnections, messagesRead, messagesDropped, dropEvents }
  cpu = process.cpuUsage()
  longest = 0
  last = busyMs()
  process.send?.(spent)
}

process.on('message', (request: Request) => void answer(request))
process.on('disconnect', () => process.exit())
process.send?.(node.getMultiaddrs()[0]?.toString())
