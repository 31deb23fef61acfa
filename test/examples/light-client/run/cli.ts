/**
 * `npm run example:light-client`: reads the command, starts the example in this process, says where the page is and what the
 * liars come to, and stops everything at Ctrl-C. How it ends is the demo's `Shutdown`.
 */
import process from 'node:process'
import { parseArgs } from 'node:util'
import type { HeaderPeer } from '../../../../examples/light-client/node/header-peer.ts'
import { listenForEnds, Shutdown } from '../../../../node/cli/demo-shutdown.ts'
import { startExample } from './start-example.ts'

const usage = `npm run example:light-client [-- options]

Starts five honest Node peers that make a chain of headers, two liars, and a page that follows the chain and finds the
liars out; stop it with Ctrl-C.

  --check              opens the page in a Chromium, prints a line for each fact of what becomes of the liars, and ends
  --port N             the page at port N; default: a free one
  --screenshot [path]  takes the picture of the README (default docs/light-client.png) and ends
  --help               this text

Everything listens on 127.0.0.1 only and writes no file but the picture.`

const defaultPicture = 'docs/light-client.png'

interface Options {
  readonly port: number
  readonly checks: boolean
  /** Of the picture to take; none: it runs until it is stopped. */
  readonly picture: string | undefined
}

/** Resolves with the exit status once everything has stopped. Never rejects. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options | undefined
  try {
    options = readOptions(args)
  } catch (error) {
    complain(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
  if (options === undefined) {
    write(usage)
    return 0
  }
  const shutdown = new Shutdown()
  listenForEnds(shutdown)
  const working = run(options, shutdown).catch((error: unknown) => {
    if (!shutdown.signal.aborted) complain(error instanceof Error ? error.message : String(error))
    return 1
  })
  const asked = shutdown.requested.then(({ status, message }) => {
    if (message !== undefined) complain(message)
    return status
  })
  const status = await Promise.race([working, asked])
  const problems = await shutdown.stopAll()
  for (const problem of problems) complain(problem)
  if (problems.length === 0 && status === 0) write('Stopped; nothing is left.')
  return problems.length > 0 && status === 0 ? 1 : status
}

async function run({ port, checks, picture }: Options, shutdown: Shutdown): Promise<number> {
  if (checks) {
    const { checkExample } = await import('./check.ts')
    return checkExample({ port, shutdown, write, log: complain })
  }
  write('Starting five honest Node peers and two liars, making a chain of 600 headers, building the page …')
  const example = await startExample({ port, shutdown })
  if (picture !== undefined) {
    const { takePicture } = await import('./picture.ts')
    await takePicture({ example, shutdown, path: picture, log: complain })
    write(picture)
    return 0
  }
  for (const liar of example.network.liars) follow(liar)
  write(`\nThe page: ${example.url}`)
  write('It verifies every header itself. After some seconds the liars begin to lie to it. Ctrl-C stops everything.\n')
  shutdown.expectEnd()
  return (await shutdown.requested).status
}

function follow(liar: HeaderPeer): void {
  liar.pool.addEventListener('connection-lost', ({ detail: { peerId, ending }, at }) => {
    const lied = liar.firstLies.get(peerId)
    if (lied === undefined || ending.reason.kind !== 'fault') return
    liar.firstLies.delete(peerId)
    write(`${liar.name} lied to …${peerId.slice(-8)} and was cut off ${((at - lied) / 1_000).toFixed(1)} s later: ${ending.reason.detail}`)
  })
}

/** `undefined`: help is wanted. Throws an error for the person who typed it. */
function readOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      check: { type: 'boolean' },
      screenshot: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' }
    }
  })
  if (values.help === true) return undefined
  const [path, ...rest] = positionals
  if (rest.length > 0 || (path !== undefined && values.screenshot !== true)) {
    throw new Error(`expected options only, got ${JSON.stringify(rest.at(-1) ?? path)}`)
  }
  if (path !== undefined && !path.endsWith('.png'))
    throw new Error(`--screenshot: expected the path of a .png file, got ${JSON.stringify(path)}`)
  return {
    port: readPort(values.port),
    checks: values.check === true,
    picture: values.screenshot === true ? (path ?? defaultPicture) : undefined
  }
}

/** 0: any free one. */
function readPort(text: string | undefined): number {
  if (text === undefined) return 0
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port < 1 || port > 65_535) throw new Error(`--port: expected a whole number from 1 to 65535, got ${JSON.stringify(text)}`)
  return port
}

function write(line: string): void {
  process.stdout.write(`${line}\n`)
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`)
}

if (import.meta.main) {
  const status = await main(process.argv.slice(2))
  // What was written must be out; and a handle that some library forgot must not keep the process.
  process.stdout.write('', () => process.exit(status))
}
