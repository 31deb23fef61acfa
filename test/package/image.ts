/**
 * `npm run image`: the steps of `deploy/Dockerfile`, one after the other, in a clean folder: the package is built and packed from a copy of the
 * checkout, installed with npm, started by the image's own command, asked for its health and stopped. npm needs the registry. Nothing is left.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { checkout, Image, readStages, runStep } from './dockerfile.ts'

const startMs = 60_000

async function build(root: string): Promise<Image> {
  const [packing = [], instructions = []] = await readStages()
  const source = join(root, 'source')
  await mkdir(source)
  // What COPY would take of a fresh checkout: files that git knows.
  await promisify(execFile)('sh', ['-c', `git ls-files -z | tar --null --files-from=- -c | tar -x -C ${source}`], { cwd: checkout })
  for (const line of new Image(root, packing).steps) await step(line, source)
  const image = new Image(root, instructions)
  await mkdir(join(root, 'app'))
  // Owners are those of this machine: there need be no user "node".
  for (const line of image.steps) await step(line.replace(/chown \S+ \S+ && /, ''), join(root, 'app'))
  return image
}

async function step(line: string, cwd: string): Promise<void> {
  const since = performance.now()
  await runStep(line, cwd)
  console.log(`${((performance.now() - since) / 1_000).toFixed(1).padStart(6)} s  ${line}`)
}

async function run(image: Image): Promise<void> {
  const child = image.start(...image.words, '--listen', '/ip4/127.0.0.1/tcp/0', '--listen', '/ip4/127.0.0.1/tcp/0/ws')
  const ended = once(child, 'close')
  child.stderr?.pipe(process.stderr)
  try {
    if (child.stdout === null) throw new Error('expected a pipe')
    const lines = createInterface(child.stdout)
    lines.on('line', (line) => console.log(`          ${line}`))
    const signal = AbortSignal.timeout(startMs)
    await Promise.race([once(lines, 'line', { signal }), ended.then(() => Promise.reject(new Error('it ended at once')))])
    await new Promise((resolve) => {
      setTimeout(resolve, 1_000)
    })
    const health = await image.checkHealth()
    console.log(`HEALTHCHECK ends with ${health.status}: ${health.text.trim()}`)
    if (health.status !== 0) throw new Error('expected the status 0')
    child.kill('SIGTERM')
    const [status] = (await ended) as [number | null]
    console.log(`SIGTERM: it ends with ${status}`)
    if (status !== 0) throw new Error('expected the status 0')
  } finally {
    child.kill('SIGKILL')
  }
}

const root = await mkdtemp(join(tmpdir(), 'p2p-image-'))
try {
  await run(await build(root))
} finally {
  await rm(root, { recursive: true, force: true })
}
