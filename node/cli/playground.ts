/**
 * `npm run playground`: builds the page of the playground into one folder, and serves it on this machine. `--out FOLDER` only builds:
 * the folder works on any web host, since the page needs no server.
 */
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { messageOf } from '../../src/core/values/reason.ts'
import { buildPlayground, freeFolder, servePlayground } from './playground-page.ts'

const usage = `npm run playground [-- --port N] [--out FOLDER]

  --port  where the page is served on this machine; 0: a free port (default 4190)
  --out   only build the page into that folder, for any web host`

const folder = fileURLToPath(new URL('../../.cache/playground', import.meta.url))

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n\n${usage}\n`)
  return 2
})

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { port: { type: 'string', default: '4190' }, out: { type: 'string' }, help: { type: 'boolean', default: false } }
  })
  if (values.help) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN
  if (!(port <= 65_535)) throw new RangeError(`--port: expected a whole number from 0 to 65535, got ${JSON.stringify(values.port)}`)
  // npm runs scripts in the checkout; a person means the folder where they typed it.
  const outDir = values.out === undefined ? folder : await freeFolder(values.out, process.env.INIT_CWD ?? process.cwd())
  await buildPlayground(outDir)
  if (values.out !== undefined) {
    process.stdout.write(`The playground is in ${outDir}: put that folder on any web host.\n`)
    return 0
  }
  const { url } = await servePlayground(outDir, port)
  process.stdout.write(`The playground: ${url}\nStop it with Ctrl-C.\n`)
  return 0
}
