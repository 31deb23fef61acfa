/**
 * `npm run playground`: builds the page of the playground into one folder, and serves it on this machine. `--out FOLDER` only builds:
 * the folder works on any web host, since the page needs no server.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../src/core/values/reason.ts'
import { processOutput, steady } from '../command/text-output.ts'
import { type DemoBrowserName, UsageError } from './demo-command.ts'
import { Facts } from './demo-facts.ts'
import { listenForEnds, Shutdown } from './demo-shutdown.ts'
import { playgroundUsage, readPlaygroundCommand } from './playground-command.ts'
import { buildPlayground, freeFolder, servePlayground } from './playground-page.ts'

const folder = fileURLToPath(new URL('../../.cache/playground', import.meta.url))
/** The check takes a few minutes, and several times that on a busy machine. */
const checkDeadlineMs = 1_800_000

/** Texts of a browser are in what is written. */
const output = steady(processOutput())

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  complain(error instanceof UsageError || error instanceof RangeError ? `${error.message}\n\n${playgroundUsage}` : messageOf(error))
  return 2
})

function write(line: string): void {
  output.write(`${line}\n`)
}

function complain(line: string): void {
  output.complain(`${line}\n`)
}

async function main(args: readonly string[]): Promise<number> {
  const command = readPlaygroundCommand(args)
  // npm runs scripts in the checkout; a person means the folder where they typed it.
  const from = process.env.INIT_CWD ?? process.cwd()
  switch (command.kind) {
    case 'help':
      write(playgroundUsage)
      return 0
    case 'build': {
      const outDir = await freeFolder(command.out, from)
      await buildPlayground(outDir)
      write(`The playground is in ${outDir}: put that folder on any web host.`)
      return 0
    }
    case 'run': {
      await buildPlayground(folder)
      const { url } = await servePlayground(folder, command.port)
      write(`The playground: ${url}\nStop it with Ctrl-C.`)
      return 0
    }
    case 'check':
    case 'screenshot':
      return inBrowser(command)
  }
}

async function inBrowser(
  command: { readonly kind: 'check'; readonly browser: DemoBrowserName } | { readonly kind: 'screenshot'; readonly path: string }
): Promise<number> {
  const shutdown = new Shutdown()
  listenForEnds(shutdown)
  setTimeout(() => shutdown.request({ status: 1, message: 'it took too long, so it is stopped' }), checkDeadlineMs).unref()
  const interrupted = shutdown.requested.then(({ status, message }) => {
    if (message !== undefined) complain(message)
    return status
  })
  const working = (command.kind === 'check' ? check(command.browser, shutdown) : takePicture(command.path, shutdown)).catch(
    (error: unknown) => {
      if (!shutdown.signal.aborted) complain(messageOf(error))
      return 1
    }
  )
  const status = await Promise.race([working, interrupted])
  const problems = await shutdown.stopAll()
  for (const problem of problems) complain(problem)
  return problems.length > 0 && status === 0 ? 1 : status
}

async function check(name: DemoBrowserName, shutdown: Shutdown): Promise<number> {
  const { checkPlayground } = await import('./playground-check.ts')
  const facts = new Facts({ write, isOver: () => shutdown.isRequested })
  const browser = await launch(name, shutdown)
  await checkPlayground({ facts, browser, shutdown, folder: await ownFolder(shutdown) })
  const { held, failed } = facts
  write(failed === 0 ? `All ${held} facts hold.` : `${failed} of ${held + failed} facts do not hold.`)
  return failed === 0 ? 0 : 1
}

async function takePicture(path: string, shutdown: Shutdown): Promise<number> {
  const { takePlaygroundPicture } = await import('./playground-screenshot.ts')
  await takePlaygroundPicture({ browser: await launch('chromium', shutdown), shutdown, folder: await ownFolder(shutdown), path })
  write(path)
  return 0
}

async function launch(name: DemoBrowserName, shutdown: Shutdown) {
  const { launchChromium } = await import('./launch-chromium.ts')
  const { launchFirefox } = await import('./launch-firefox.ts')
  return (name === 'firefox' ? launchFirefox : launchChromium)({ shutdown, log: complain })
}

/** Goes with the command. */
function ownFolder(shutdown: Shutdown): Promise<string> {
  return shutdown.own('The folder of the page', {
    start: () => mkdtemp(join(tmpdir(), 'p2p-pool-playground-')),
    stop: (path) => rm(path, { recursive: true, force: true })
  })
}
