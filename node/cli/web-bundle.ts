/**
 * Writes `dist/web.bundle.js`: all that `p2p-pool/web` exports and everything it imports, in one ES module for pages without a bundler, and
 * `dist/web.bundle.licenses.txt` with the licenses of the packages in it. Part of `npm run build`, after the compiler.
 *
 * It is one file, so that a page copies one file and a strict CSP names one. A page with a bundler loads parts of it later.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const dist = join(checkout, 'dist')

const { version }: { version: string } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8'))
const build = await rolldown({ input: join(dist, 'web/index.js'), platform: 'browser', cwd: checkout, logLevel: 'warn' })
const { output } = await build.generate({ format: 'es', minify: true, codeSplitting: false, comments: false })
const [chunk, ...others] = output
// Whatever it still imported, a page could not find.
const wanting = [...chunk.imports, ...chunk.dynamicImports].filter((name) => name !== chunk.fileName)
if (others.length > 0 || wanting.length > 0)
  throw new Error(`expected one file without imports, got ${output.length} with ${wanting.join(', ')}`)
const code = `/*! p2p-pool ${version} and the packages in web.bundle.licenses.txt */\n${chunk.code}`
await writeFile(join(dist, 'web.bundle.js'), code)
await writeFile(join(dist, 'web.bundle.licenses.txt'), await licensesOf(chunk.moduleIds))
const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`
console.log(`dist/web.bundle.js: ${kilobytes(code.length)}, gzipped ${kilobytes(gzipSync(code, { level: 9 }).length)}`)

/** Each text once, under the packages that come with it. */
async function licensesOf(moduleIds: readonly string[]): Promise<string> {
  const folders = new Set(moduleIds.flatMap((id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []))
  const packagesByText = new Map<string, string[]>()
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort()
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
    const text = texts.map((one) => one.trim()).join('\n\n')
    packagesByText.set(text, [...(packagesByText.get(text) ?? []), `${name} ${version}: ${license}`])
  }
  const parts = [...packagesByText].map(([text, packages]) => `${packages.join('\n')}\n\n${text}`)
  return `web.bundle.js contains these packages.\n\n${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}
