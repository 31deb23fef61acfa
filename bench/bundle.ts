/**
 * A page's bundle, minified, and which part of it comes from which of our modules. For `size.ts`.
 */

import { fileURLToPath } from 'node:url'
import { decode } from '@jridgewell/sourcemap-codec'
import { rolldown } from 'rolldown'

export interface Bundle {
  /** What is loaded at once, one text a chunk. */
  readonly chunks: readonly string[]
  /** What is loaded beside the start, on demand, or with an option: the text of each chunk by its module, or by its name where several share it. */
  readonly later: ReadonlyMap<string, string>
  /** The minified text of each of our own modules that is loaded at once. */
  readonly ours: ReadonlyMap<string, string>
}

const checkout = fileURLToPath(new URL('..', import.meta.url))

/** Bundles a page whose own code is `source`; imports are as from a file in `web/`. */
export async function bundle(source: string): Promise<Bundle> {
  const entry = `${checkout}web/size-entry.ts`
  const build = await rolldown({
    input: entry,
    platform: 'browser',
    // As of a page's own entry: chunks that are loaded later may take from it.
    preserveEntrySignatures: 'allow-extension',
    logLevel: 'silent',
    plugins: [{ name: 'entry', resolveId: (id) => (id === entry ? entry : null), load: (id) => (id === entry ? source : null) }]
  })
  const { output } = await build.generate({ minify: true, format: 'es', sourcemap: true })
  const chunks = new Map(output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part] as const] : [])))
  // What comes later is in chunks of its own: only those count that the first one imports outright.
  const loaded = new Set([output[0]])
  for (const chunk of loaded) for (const name of chunk.imports) if (chunks.has(name)) loaded.add(chunks.get(name) ?? chunk)
  const ours = new Map<string, string>()
  for (const { code, map } of loaded) {
    for (const [path, text] of map === null ? [] : textBySource(code, map)) {
      if (!path.includes('node_modules') && /^(src|web)\//.test(path)) ours.set(path, (ours.get(path) ?? '') + text)
    }
  }
  const later = [...chunks.values()].filter((chunk) => !loaded.has(chunk))
  return { chunks: Array.from(loaded, ({ code }) => code), later: new Map(later.map((chunk) => [moduleOf(chunk), chunk.code])), ours }
}

/** Two chunks may have one name. */
function moduleOf({ facadeModuleId, name }: { facadeModuleId: string | null; name: string }): string {
  return facadeModuleId === null ? name : facadeModuleId.replace(checkout, '')
}

/** Which part of a bundle comes from which source, by its source map: each segment reaches to the next one. */
function textBySource(code: string, { mappings, sources }: { mappings: string; sources: readonly string[] }): Map<string, string> {
  const found = new Map<string, string>()
  const lines = code.split('\n')
  for (const [number, segments] of decode(mappings).entries()) {
    const line = lines[number] ?? ''
    let column = 0
    let path = ''
    const take = (until: number): void => {
      found.set(path, (found.get(path) ?? '') + line.slice(column, until))
      column = until
    }
    for (const [start, source] of segments) {
      take(start)
      if (source !== undefined) path = (sources[source] ?? '').replace(/^(\.\.\/)+/, '')
    }
    take(line.length)
  }
  return found
}
