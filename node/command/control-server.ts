/**
 * The control socket of a running peer: takes requests as JSON lines, one after the other on each connection, and answers
 * them. It owns the socket, its caps and its deadlines; what a verb does is in `control-verbs.ts`. A Unix socket, or a named pipe on Windows:
 * a page in a browser cannot reach either.
 */
import { once } from 'node:events'
import { chmod, lstat, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { shown } from '../../src/core/values/arguments.ts'
import { codeOf } from '../system-error.ts'
import { CommandError, plainError } from './command-error.ts'
import {
  type ControlAnswer,
  type ControlEvent,
  type ControlRequest,
  lineOf,
  maxRequestBytes,
  readLines,
  readRequest
} from './control-lines.ts'

/** What the socket gives access to. */
export interface ControlTarget {
  /** Rejects with `PoolError` or `CommandError`. */
  call(verb: string, args: readonly unknown[]): Promise<unknown>
  readonly events: {
    /** The last ones, oldest first. */
    recent(): readonly ControlEvent[]
    /** Until the returned function is called. */
    subscribe(listener: (event: ControlEvent) => void): () => void
  }
}

export interface ControlServer {
  readonly path: string
  /** Ends all connections. Idempotent. */
  close(): Promise<void>
}

export interface ControlLimits {
  /** For one verb, ms. The dial of `connect` has a shorter deadline of its own. @default 30000 */
  readonly verbMs?: number
  /** A connection on which nothing moves ends after so many ms, except that of a follower of events. @default 60000 */
  readonly idleMs?: number
}

/** Commands are short; a few people may follow events. */
const maxConnections = 32
/** Bytes of events that wait for a follower who does not read. */
const maxWaitingBytes = 1024 * 1024

/**
 * Listens on `path`, for the user of this process alone. The caller holds the data folder, so a socket that is there already was left
 * by a crash and is removed; anything else there is left alone, and the promise rejects.
 */
export async function listenForControl(
  path: string,
  target: ControlTarget,
  { verbMs = 30_000, idleMs = 60_000 }: ControlLimits = {}
): Promise<ControlServer> {
  await removeStaleSocket(path)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // A broken connection ends its reader; nobody else needs to know.
    socket.on('error', () => socket.destroy())
    socket.setTimeout(idleMs, () => socket.destroy())
    void serve(socket, target, verbMs)
  })
  server.maxConnections = maxConnections
  await listenPrivately(server, path)
  return {
    path,
    async close() {
      const closed = server.listening ? once(server, 'close') : undefined
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    }
  }
}

async function removeStaleSocket(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const found = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
  })
  if (found === undefined) return
  if (!found.isSocket()) throw new CommandError('failed', `${path}: expected a socket or nothing, found something else; move it away`)
  await rm(path, { force: true })
}

async function listenPrivately(server: Server, path: string): Promise<void> {
  const listening = once(server, 'listening')
  // The socket appears during this call. It must never be open to others, not even before the chmod below.
  const mask = process.umask(0o177)
  try {
    server.listen(path)
  } finally {
    process.umask(mask)
  }
  await listening
  if (process.platform !== 'win32') await chmod(path, 0o600)
}

async function serve(socket: Socket, target: ControlTarget, verbMs: number): Promise<void> {
  try {
    for await (const line of readLines(socket.iterator({ destroyOnReturn: false }), maxRequestBytes))
      await answer(socket, line, { target, verbMs })
  } catch (error) {
    if (!socket.writable) return
    // The line that was too long had no end, so nothing after it can be read. The idle deadline ends a client that goes on writing.
    socket.end(lineOf({ id: 0, error: plainError(error) }))
  }
}

async function answer(socket: Socket, line: string, { target, verbMs }: { target: ControlTarget; verbMs: number }): Promise<void> {
  let id = 0
  try {
    const request = readRequest(line)
    id = request.id
    if (request.verb === 'events' && sendEvents(socket, request, target)) return
    const value = request.verb === 'events' ? null : await inTime(target.call(request.verb, request.args), request.verb, verbMs)
    await write(socket, { id, value: value ?? null })
  } catch (error) {
    await write(socket, { id, error: plainError(error) })
  }
}

/** Sends the last events; returns whether more follow, which have no final answer. */
function sendEvents(socket: Socket, { id, args }: ControlRequest, { events }: ControlTarget): boolean {
  const [options] = args
  const follow: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, 'follow') : false
  if (typeof follow !== 'boolean') throw new CommandError('invalid-request', `events.follow: expected true or false, got ${shown(follow)}`)
  for (const event of events.recent()) socket.write(lineOf({ id, event }))
  if (!follow) return false
  socket.setTimeout(0)
  const stop = events.subscribe((event) => {
    if (socket.writableLength <= maxWaitingBytes) socket.write(lineOf({ id, event }))
    else socket.destroy()
  })
  socket.once('close', stop)
  return true
}

async function inTime(work: Promise<unknown>, verb: string, verbMs: number): Promise<unknown> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new CommandError('no-answer', `${verb} was not done within ${verbMs} ms; it goes on`)), verbMs)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits while the other side is behind; the idle deadline of the socket bounds that. */
async function write(socket: Socket, message: ControlAnswer): Promise<void> {
  if (!socket.writable || socket.write(lineOf(message))) return
  const either = new AbortController()
  const { signal } = either
  await Promise.race([once(socket, 'drain', { signal }), once(socket, 'close', { signal })]).catch(() => undefined)
  either.abort()
}
