/** A TCP cable that can be cut between two programs: what it carried then is dead for ever, though both ends stay open. */
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net'

export class Cable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false
  /** Where it leads; set before the first connection. */
  target = 0
  /** Connections that were begun. */
  begun = 0

  static async lay(): Promise<Cable> {
    const cable = new Cable()
    await new Promise<void>((resolve) => cable.#server.listen(0, '127.0.0.1', resolve))
    return cable
  }

  private constructor() {
    this.#server = createServer((near) => this.#connect(near))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Nothing gets through any more, of what there is and of what comes: nobody is told. */
  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) silence(socket)
  }

  /** For new connections. */
  mend(): void {
    this.#isCut = false
  }

  async remove(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #connect(near: Socket): void {
    this.begun++
    this.#keep(near)
    if (this.#isCut) {
      silence(near)
      return
    }
    const far = createConnection(this.target, '127.0.0.1')
    this.#keep(far)
    near.pipe(far).pipe(near)
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#sockets.delete(socket))
  }
}

/** Reads nothing, writes nothing, and does not close. */
function silence(socket: Socket): void {
  socket.unpipe()
  socket.removeAllListeners('close')
  socket.on('data', () => undefined)
}
