/**
 * Examples import `p2p-pool` by its name, as any program does, so that each can be copied as a folder. In this checkout the name means the
 * sources: this writes `examples/node_modules/p2p-pool`, whose files lead there. It takes no time and needs no build.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('..', import.meta.url))
const linked = join(checkout, 'examples/node_modules/p2p-pool')

/** A path in `dist`, or one for each condition. */
type Target = string | Readonly<Record<string, string>>

interface Manifest {
  readonly version: string
  readonly exports: Readonly<Record<string, Target>>
}

/** Idempotent, and may run in several processes at once. */
export function linkCheckout(): void {
  const { version, exports }: Manifest = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
  mkdirSync(linked, { recursive: true })
  const entries: Record<string, Target> = {}
  for (const [name, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue
    const conditions = Object.entries(target).filter(([condition]) => condition !== 'types')
    entries[name] = Object.fromEntries(conditions.map(([condition, built]) => [condition, linkTo(built)]))
  }
  replace(join(linked, 'package.json'), JSON.stringify({ name: 'p2p-pool', version, type: 'module', sideEffects: false, exports: entries }))
}

/** A file that leads to the source of what is built as `built`. */
function linkTo(built: string): string {
  const source = built.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts')
  const file = `${source.replaceAll(/[/.]/g, '-')}.js`
  replace(join(linked, file), `export * from '${relative(linked, join(checkout, source))}'\n`)
  return `./${file}`
}

function replace(path: string, text: string): void {
  const fresh = `${path}.${process.pid}`
  writeFileSync(fresh, text)
  renameSync(fresh, path)
}

if (import.meta.main) linkCheckout()
