/**
 * The house's rules about files, each a function from the sources to the sentences that say where it is broken.
 * architecture.test.ts holds the checkout against them, and shows for each that it can be broken.
 */
import type { SourceFile } from './source.ts'

export type Rule = (files: readonly SourceFile[]) => string[]

/**
 * The layers of src/core, lowest first. A file may import its own layer and everything lower. A single file beside the
 * folders (the table of verbs, the memory storage) stands between decisions and flows: it serves flows and knows none.
 * The faces of the pool (api) stand between flows and peer-pool.ts, which hands them out.
 */
const layers: readonly (readonly { readonly name: string; readonly holds: RegExp }[])[] = [
  [{ name: 'values', holds: /^values\// }],
  [
    { name: 'wire', holds: /^wire\// },
    { name: 'tables', holds: /^tables\// }
  ],
  [{ name: 'decisions', holds: /^decisions\// }],
  [{ name: 'a single file', holds: /^(?!peer-pool|index\.ts)[^/]+$/ }],
  [{ name: 'flows', holds: /^flows\// }],
  [{ name: 'api', holds: /^api\// }],
  [{ name: 'peer-pool', holds: /^peer-pool[^/]*$/ }],
  [{ name: 'index', holds: /^index\.ts$/ }]
]

const synchronousFolders = ['values/', 'wire/', 'tables/', 'decisions/'].map((folder) => `src/core/${folder}`)

/** What the core may use from outside: types alone. */
const coreTypePackages: readonly RegExp[] = [/^uint8arraylist$/]

/** Time, chance, the outside world and the ways around: the core gets them as ports. */
const coreForbidden = new Set([
  ...['Date', 'performance', 'Math.random', 'crypto', 'Temporal'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'requestAnimationFrame', 'requestIdleCallback'],
  ...['AbortSignal.timeout', 'MessageChannel', 'BroadcastChannel', 'scheduler'],
  ...['process', 'Buffer', 'require', 'global', 'globalThis', 'self', 'import.meta', 'console'],
  ...['window', 'document', 'navigator', 'location', 'localStorage', 'sessionStorage', 'indexedDB', 'caches'],
  ...['fetch', 'WebSocket', 'RTCPeerConnection', 'Worker', 'eval', 'Function']
])

const maxLines = 400
const bannedWords = new Set([
  'util',
  'utils',
  'helper',
  'helpers',
  'type',
  'types',
  'constant',
  'constants',
  'manager',
  'managers',
  'common',
  'misc'
])
const fileName = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.config)?\.tsx?$/

/** Down the list above; neighbours in one layer do not know each other either. */
export const coreLayersPointDown: Rule = (files) =>
  eachImport(files, (file, target) => {
    const from = layerOf(file.path)
    const to = layerOf(target)
    if (from === undefined || to === undefined) return
    if (from.place === to.place ? from.name !== to.name : from.place < to.place) return `${from.name} may not know ${to.name}`
  })

export const everyCoreFileHasALayer: Rule = (files) =>
  files
    .filter(({ path }) => path.startsWith('src/core/') && layerOf(path) === undefined)
    .map(({ path }) => `${path}: in no layer of the house`)

/**
 * src/core knows only itself; src only src; node and web know src and themselves; nobody else is imported at all. The playground, which is
 * not published, shows the simulation, and the demo shows an example.
 */
export const worldsStayApart: Rule = (files) =>
  eachImport(files, (file, target) => {
    const allowed = file.path.startsWith('src/core/')
      ? ['src/core/']
      : file.path.startsWith('src/')
        ? ['src/']
        : ['src/', `${file.path.split('/')[0]}/`, ...shownBy(file.path)]
    if (!allowed.some((folder) => target.startsWith(folder))) return `may import only from ${allowed.join(', ')}`
  })

/** What files that are not published show of the rest of the checkout. */
function shownBy(path: string): string[] {
  if (path.startsWith('web/playground/')) return ['test/sim/']
  return path.startsWith('web/demo/') || path.startsWith('node/cli/demo-') ? ['examples/shared-text/'] : []
}

/** A page must not load the demo or the network in memory, nor the library on Node its command line. */
export const demosAreLeaves: Rule = (files) =>
  eachImport(files, (file, target) => {
    for (const leaf of ['web/demo/', 'web/playground/', 'node/cli/', 'src/testing/']) {
      const isShown = leaf === 'web/demo/' && file.path.startsWith('web/playground/')
      if (target.startsWith(leaf) && !file.path.startsWith(leaf) && !isShown) return `${leaf} is imported by nobody else`
    }
  })

export const importsNameExistingFiles: Rule = (files) => {
  const known = new Set(files.map(({ path }) => path))
  return eachImport(files, (_, target) => (target.endsWith('.ts') && !known.has(target) ? 'no such file' : undefined))
}

export const coreImportsOnlyPureLibraries: Rule = (files) =>
  files
    .filter(({ path }) => path.startsWith('src/core/'))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ path: target }) => target === undefined)
        .filter(({ specifier, typeOnly }) => !(typeOnly && matches(specifier, coreTypePackages)))
        .map(({ specifier, line }) => `${path}:${line} imports ${specifier}`)
    )

/** What runs in both worlds, or in a page, has no `node:` modules. */
export const onlyNodeUsesNode: Rule = (files) =>
  files
    .filter(({ path }) => !path.startsWith('node/'))
    .flatMap(({ path, imports }) =>
      imports.filter(({ specifier }) => specifier.startsWith('node:')).map(({ specifier, line }) => `${path}:${line} imports ${specifier}`)
    )

const opening = new Set(['open', 'openSync', 'readFile', 'readFileSync', 'createReadStream'])

/** A name may lead to a pipe: whoever opens one by the system's own means may wait for ever. `durable-file.ts` opens what it makes itself. */
export const filesAreReadInOnePlace: Rule = (files) =>
  files
    .filter(({ path }) => /^node\/(?!cli\/)/.test(path) && path !== 'node/regular-file.ts' && path !== 'node/durable-file.ts')
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier, names }) => /^node:fs(\/promises)?$/.test(specifier) && names.some((name) => opening.has(name)))
        .map(({ line }) => `${path}:${line} opens files: use regular-file.ts or trusted-files.ts`)
    )

/** Type imports count: a cycle of concepts is one too. */
export const noImportCycles: Rule = (files) => {
  const targets = new Map(files.map(({ path, imports }) => [path, imports.flatMap(({ path: target }) => target ?? [])]))
  const found: string[] = []
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) found.push(`cycle: ${[...trail.slice(at), path].join(' -> ')}`)
    if (at >= 0 || done.has(path)) return
    for (const target of targets.get(path) ?? []) walk(target, [...trail, path])
    done.add(path)
  }
  for (const path of targets.keys()) walk(path, [])
  return found
}

/** `Promise` may stand in interfaces, which describe what others do (ports). */
export const lowerLayersNeverWait: Rule = (files) =>
  files
    .filter(({ path }) => synchronousFolders.some((folder) => path.startsWith(folder)))
    .flatMap(({ path, waits }) => waits.map(({ name, line }) => `${path}:${line} uses ${name}`))

export const coreTouchesNoWorld: Rule = (files) =>
  files
    .filter(({ path }) => path.startsWith('src/core/'))
    .flatMap(({ path, globals }) =>
      globals.filter(({ name }) => coreForbidden.has(name)).map(({ name, line }) => `${path}:${line} uses ${name}`)
    )

/**
 * Who may write what of a point or peer: the operator's words, what a proof showed, what peers claim. Of the files that hear what
 * peers say, only those that keep claims are among them.
 */
const writableViews: ReadonlyMap<string, readonly string[]> = new Map([
  ['asOperator', ['bounded-table', 'point-table', 'peer-table', 'known-points', 'known-peers', 'saved-fields']],
  ['asProved', ['point', 'peer', 'pool-state', 'access', 'saved-fields']],
  ['asClaimed', ['claims', 'point', 'pool-state', 'saved-fields']],
  ['asOwner', ['attempt', 'pool-state']]
])

export const everyFieldHasItsWriters: Rule = (files) =>
  files.flatMap(({ path, calls }) =>
    calls
      .filter(({ name }) => writableViews.get(name)?.every((writer) => path !== `src/core/tables/${writer}.ts`))
      .map(({ name, line }) => `${path}:${line} calls ${name}`)
  )

/** What a record, a table or a list of bans is changed by: outside of `tables` everybody gets read-only types, and asks the owner. */
const writers = /^(PointRecord|PeerRecord|PointTable|PeerTable|Bans|Parts|partsOf|(set|note|reset)[A-Z]\w*)$/
/** Make the parts of a state, and give them to the state and to tests alone. */
const makers: readonly string[] = ['src/core/peer-pool.ts', 'src/core/peer-pool-components.ts']

export const onlyTheOwnerWrites: Rule = (files) =>
  files
    .filter(({ path }) => !path.startsWith('src/core/tables/') && !makers.includes(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter((one) => one.path?.startsWith('src/core/tables/'))
        .flatMap(({ names, line }) => names.filter((name) => writers.test(name)).map((name) => `${path}:${line} imports ${name}`))
    )

export const filesAreSmall: Rule = (files) =>
  files.filter(({ lines }) => lines > maxLines).map(({ path, lines }) => `${path}: ${lines} lines, at most ${maxLines}`)

/** Kebab-case after the concept; a word that could stand for anything says nothing. */
export const namesSayWhat: Rule = (files) =>
  files.flatMap(({ path }) => {
    const words = path.replace(/\.ts$/, '').split(/[/.-]/)
    const banned = words.filter((word) => bannedWords.has(word))
    if (banned.length > 0) return [`${path}: the name says ${banned.join(', ')}`]
    return fileName.test(path.split('/').at(-1) ?? '') ? [] : [`${path}: not kebab-case`]
  })

export const noDefaultExports: Rule = (files) =>
  files.filter(({ exportsDefault }) => exportsDefault).map(({ path }) => `${path}: default export`)

export const filesBeginWithTheirPurpose: Rule = (files) =>
  files
    .filter(({ hasHead }) => !hasHead)
    .map(({ path }) => `${path}: expected /** … */ at the top: what it owns, who calls it, what it leaves`)

export const noLooseEnds: Rule = (files) =>
  files.flatMap(({ path, comments }) =>
    comments
      .filter(({ name }) => /\b(TODO|FIXME|XXX|HACK)\b|@ts-(ignore|nocheck|expect-error)/.test(name))
      .map(({ name, line }) => `${path}:${line} ${name.trim()}`)
  )

/** A judgement on every relative import, prefixed with its place. */
function eachImport(files: readonly SourceFile[], judge: (file: SourceFile, target: string) => string | undefined): string[] {
  return files.flatMap((file) =>
    file.imports.flatMap(({ path: target, line }) => {
      const fault = target === undefined ? undefined : judge(file, target)
      return fault === undefined ? [] : [`${file.path}:${line} imports ${target}: ${fault}`]
    })
  )
}

function layerOf(path: string): { readonly place: number; readonly name: string } | undefined {
  if (!path.startsWith('src/core/')) return undefined
  const inner = path.slice('src/core/'.length)
  for (const [place, layer] of layers.entries()) {
    const found = layer.find(({ holds }) => holds.test(inner))
    if (found !== undefined) return { place, name: found.name }
  }
}

function matches(text: string, patterns: readonly RegExp[]): boolean {
  return patterns.some((pattern) => pattern.test(text))
}
