/** One peer of a foreign implementation, as a process: it can be killed and started again at the same addresses with the same key. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { cache, type Implementation, type Seat } from './program.ts'
import { connectedSockets } from './sockets.ts'

/** A program that is not ready by then has failed, ms. */
const startDeadlineMs = 60_000

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class Stranger {
  readonly peerId: string
  readonly listen: readonly string[]
  readonly #implementation: Implementation
  readonly #seat: Seat
  #child: ChildProcess | undefined

  /** Chooses its ports and makes its folder. `addresses`: how many it listens on. */
  static async make(implementation: Implementation, { index, addresses }: { index: number; addresses: number }): Promise<Stranger> {
    const seed = createHash('sha256').update(`${implementation.name} ${index}`).digest()
    const ports = await freePorts(addresses)
    const folder = join(cache, 'peers', `${implementation.name}-${index}`)
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    const seat = { seed: seed.toString('hex'), listen: ports.map((port) => `/ip4/127.0.0.1/tcp/${port}`), folder }
    await implementation.prepare?.(seat)
    return new Stranger(implementation, seat, peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed)).toString())
  }

  private constructor(implementation: Implementation, seat: Seat, peerId: string) {
    this.#implementation = implementation
    this.#seat = seat
    this.peerId = peerId
    this.listen = seat.listen
  }

  /** Resolves when it can be dialed. Rejects with what it said if it ends before, or is too slow. */
  async start(): Promise<void> {
    const { command, args, env } = this.#implementation.invoke(this.#seat)
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child = child
    running.add(child)
    let said = ''
    await new Promise<void>((resolve, reject) => {
      const failed = (what: string): void => reject(new Error(`${this.#implementation.name} ${what}: ${said.trim().slice(-300)}`))
      const timer = setTimeout(() => failed('was not ready in time'), startDeadlineMs)
      const hear = (bytes: Buffer): void => {
        said = (said + bytes).slice(-10_000)
        if (this.#implementation.ready.test(said)) resolve()
      }
      child.stdout.on('data', hear)
      child.stderr.on('data', hear)
      child.once('error', (error) => failed(error.message))
      child.once('exit', (code, signal) => {
        clearTimeout(timer)
        running.delete(child)
        failed(`ended (${signal ?? code})`)
      })
    })
  }

  /** At once and without a word, as a crash does it. */
  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  /** Its TCP sockets that are not listening; it knows nobody but the pool. */
  async sockets(): Promise<number> {
    const pid = this.#child?.pid
    return pid === undefined ? 0 : connectedSockets(pid)
  }
}

/** Ports that nothing listens on now, below those that a system gives to dials: another program could get one of these in between. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(20_000, 32_000)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
