/**
 * The control socket of a running peer. It owns the socket, and how many programs it serves; what one of them may do is in
 * `control-connection.ts`, what a verb does in `control-verbs.ts`. A Unix socket, or a named pipe on Windows: a page in a browser
 * cannot reach either. `control-port.ts` brings programs that came over TCP to the same places.
 */
import { once } from 'node:events'
import { chmod, lstat, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { codeOf } from '../system-error.ts'
import { CommandError, plainError } from './command-error.ts'
import { ControlConnection, type ControlTarget } from './control-connection.ts'
import { lineOf } from './control-lines.ts'

export interface ControlServer {
  readonly path: string
  /** Serves a program that came another way, and proved that it may. */
  serve(socket: Socket): void
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
/** The other places are for programs that ask and go. */
const maxFollowers = 24
/** Programs that get the answer that there is no place; more are cut off. */
const maxRefused = 32
/** To take that. */
const refuseMs = 1_000

/**
 * Listens on `path`, for the user of this process alone. The caller holds the data folder, so a socket that is there already was left
 * by a crash and is removed; anything else there is left alone, and the promise rejects.
 */
export async function listenForControl(path: string, target: ControlTarget, limits: ControlLimits = {}): Promise<ControlServer> {
  await removeStaleSocket(path)
  const places = new Places(target, limits)
  const server = createServer((socket) => places.take(socket))
  server.maxConnections = maxConnections + maxRefused
  await listenPrivately(server, path)
  return {
    path,
    serve: (socket) => places.take(socket),
    async close() {
      const closed = server.listening ? once(server, 'close') : undefined
      server.close()
      places.close()
      await closed
    }
  }
}

/** The programs that are served. */
class Places {
  readonly #target: ControlTarget
  readonly #limits: Required<ControlLimits>
  readonly #sockets = new Set<Socket>()
  /** In the order in which they came. */
  readonly #served = new Set<ControlConnection>()

  constructor(target: ControlTarget, { verbMs = 30_000, idleMs = 60_000 }: ControlLimits) {
    this.#target = target
    this.#limits = { verbMs, idleMs }
  }

  take(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    // A broken connection ends its reader; nobody else needs to know.
    socket.on('error', () => socket.destroy())
    if (this.#served.size >= maxConnections && !this.#makeRoom()) {
      refuse(socket)
      return
    }
    const { verbMs, idleMs } = this.#limits
    const mustHavePlaceToFollow = (): void => this.#mustHavePlaceToFollow()
    const connection = new ControlConnection(socket, { target: this.#target, verbMs, mustHavePlaceToFollow })
    this.#served.add(connection)
    socket.once('close', () => this.#served.delete(connection))
    socket.setTimeout(idleMs, () => socket.destroy())
    void connection.serve()
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** The oldest one that asked for nothing yet goes. */
  #makeRoom(): boolean {
    const silent = [...this.#served].find(({ hasAsked }) => !hasAsked)
    if (silent === undefined) return false
    this.#served.delete(silent)
    silent.end()
    return true
  }

  #mustHavePlaceToFollow(): void {
    if ([...this.#served].filter(({ follows }) => follows).length >= maxFollowers)
      throw new CommandError('busy', `too many programs follow events: at most ${maxFollowers} may`)
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

/** Says why, instead of a connection that breaks; what the other side writes is dropped. */
function refuse(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), refuseMs)
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
  socket.end(lineOf({ id: 0, error: plainError(new CommandError('busy', 'too many programs are connected to the control socket')) }))
}
