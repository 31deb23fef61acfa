/**
 * The control socket over TCP, for programs that cannot open the Unix socket. Off by default; on the loopback alone. A program shows the
 * token of the data folder in an HTTP request to change protocols, and speaks the same JSON lines from then on. A page in a browser
 * gets nowhere: it can neither send such a request nor read the token, it names its `Origin`, and a name that was made to lead here is
 * no loopback `Host`. Both ends are here: `listenForControlPort` for the peer, `connectToControlPort` for the command.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { dirname } from 'node:path'
import { readSmallFile } from '../regular-file.ts'
import { codeOf } from '../system-error.ts'
import { CommandError } from './command-error.ts'
import { mustBeOurs } from './data-folder.ts'
import { listenForHttp, refuse, textOf } from './guarded-http.ts'
import { type HttpAddress, hostnameOf, isLoopbackHost, readHttpAddress } from './http-health.ts'

export interface ControlPort {
  /** Such as `127.0.0.1:4003`, as `--control` takes it. */
  readonly address: string
  /** Ends it, and removes the token. Idempotent. */
  close(): Promise<void>
}

export interface ControlPortOptions {
  /** Made anew, for this user alone: a token is good for one run of a peer. */
  readonly tokenFile: string
  /** False once another peer holds the data folder: the token is that peer's then. */
  isOurs(): Promise<boolean>
  /** A program that showed the token. */
  serve(socket: Socket): void
}

const protocol = 'p2p-pool-control'
const path = '/control'

/** Reads `PORT` or `HOST:PORT` of the loopback. Throws `CommandError` `usage`. */
export function readControlAddress(text: string): HttpAddress {
  const address = readHttpAddress(text, '--control')
  if (isLoopbackHost(address.host)) return address
  throw new CommandError('usage', `--control: expected a host of the loopback such as 127.0.0.1, got ${JSON.stringify(address.host)}`)
}

/** Rejects with the system's error if the port cannot be had. */
export async function listenForControlPort(
  { host, port }: HttpAddress,
  { tokenFile, isOurs, serve }: ControlPortOptions
): Promise<ControlPort> {
  const token = randomBytes(32).toString('hex')
  const server = await listenForHttp(
    { host, port },
    {
      request: ({ socket }) => refuse(socket, 426),
      upgrade(asked, head) {
        const refusal = refusalOf(asked, token)
        if (refusal !== undefined) return refusal
        const { socket } = asked
        socket.write(`HTTP/1.1 101 ${STATUS_CODES[101]}\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`)
        if (head.length > 0) socket.unshift(head)
        serve(socket)
        return undefined
      }
    }
  )
  const address = textOf(server.address)
  const close = async (): Promise<void> => {
    // Those that were served end with the control socket.
    await server.close()
    if (await isOurs()) await rm(tokenFile, { force: true })
  }
  try {
    // A name may lead elsewhere, whatever it looks like.
    readControlAddress(address)
    await rm(tokenFile, { force: true })
    await writeFile(tokenFile, `${token}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    await close()
    throw error
  }
  return { address, close }
}

/** The status of a refusal. Browsers name an origin in what a page sends, and a page cannot leave it out. */
function refusalOf({ headers, method, url }: IncomingMessage, token: string): number | undefined {
  if (!isLoopbackHost(hostnameOf(headers.host)) || headers.origin !== undefined) return 403
  if (method !== 'GET' || url !== path || headers.upgrade !== protocol) return 426
  const [, shown = ''] = /^Bearer ([0-9a-f]{1,128})$/.exec(headers.authorization ?? '') ?? []
  return timingSafeEqual(digestOf(shown), digestOf(token)) ? undefined : 401
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** A socket for JSON lines. Rejects with `CommandError`, or the system's error. */
export async function connectToControlPort({ host, port }: HttpAddress, tokenFile: string, timeoutMs: number): Promise<Socket> {
  const signal = AbortSignal.timeout(timeoutMs)
  const token = await readToken(tokenFile, timeoutMs)
  const asked = request({
    ...{ host, port, path, signal },
    headers: { connection: 'Upgrade', upgrade: protocol, authorization: `Bearer ${token}` }
  })
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  asked.once('error', reject)
  asked.once('upgrade', (_, socket, head) => {
    if (head.length > 0) socket.unshift(head)
    resolve(socket)
  })
  asked.once('response', ({ statusCode, socket }) => {
    socket.destroy()
    const what = statusCode === 401 ? `another token than that in ${tokenFile}` : `no request of this command (status ${statusCode})`
    reject(new CommandError('failed', `--control: who listens at ${host}:${port} takes ${what}`))
  })
  asked.end()
  return promise
}

async function readToken(file: string, deadlineMs: number): Promise<string> {
  try {
    await mustBeOurs(file, dirname(file))
    const { text } = await readSmallFile(file, { maxBytes: 128, deadlineMs })
    if (/^[0-9a-f]{64}$/.test(text.trim())) return text.trim()
    throw new CommandError('failed', `${file}: expected the token of a peer, 64 hexadecimal digits`)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    throw new CommandError('not-running', `there is no ${file}: no peer on that folder listens for control over TCP`, error)
  }
}
