import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as rules from './rules.ts'
import { parseSource, readSources } from './source.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const published = await readSources(checkout, ['src', 'node', 'web'])
const all = [...published, ...(await readSources(checkout, ['test', 'bench', 'examples']))]

interface Case {
  readonly rule: rules.Rule
  readonly name: string
  /** Which files of the checkout it is about. */
  readonly about: typeof all
  /** By path: small files that break the rule. */
  readonly broken: readonly Readonly<Record<string, string>>[]
  /** By path: files that come close and keep it. */
  readonly kept: Readonly<Record<string, string>>
}

const cases: readonly Case[] = [
  {
    rule: rules.coreLayersPointDown,
    name: 'imports in the core point one way',
    about: published,
    broken: [
      { 'src/core/values/a.ts': "import { b } from '../tables/b.ts'" },
      { 'src/core/values/a.ts': "import type { B } from '../wire/b.ts'" },
      { 'src/core/wire/a.ts': "export * from '../tables/b.ts'" },
      { 'src/core/tables/a.ts': "type B = import('../decisions/b.ts').B" },
      { 'src/core/decisions/a.ts': "import '../flows/b.ts'" },
      { 'src/core/decisions/a.ts': "import '../verbs.ts'" },
      { 'src/core/verbs.ts': "import './flows/b.ts'" },
      { 'src/core/flows/a.ts': "import { b } from '../api/b.ts'" },
      { 'src/core/api/a.ts': "import { b } from '../peer-pool.ts'" },
      { 'src/core/peer-pool.ts': "export { b } from './index.ts'" }
    ],
    kept: { 'src/core/flows/a.ts': "import '../values/b.ts'; import './c.ts'", 'src/core/index.ts': "export * from './peer-pool.ts'" }
  },
  {
    rule: rules.everyCoreFileHasALayer,
    name: 'every file of the core is in a layer',
    about: published,
    broken: [{ 'src/core/more/a.ts': '' }, { 'src/core/more/values/a.ts': '' }],
    kept: { 'src/core/index.ts': '', 'src/core/memory-storage.ts': '', 'src/libp2p/extra.ts': '' }
  },
  {
    rule: rules.worldsStayApart,
    name: 'the core knows no libp2p, node and web never know each other, nothing published knows a test',
    about: published,
    broken: [
      { 'src/core/flows/a.ts': "import '../../libp2p/b.ts'" },
      { 'src/libp2p/a.ts': "import '../../node/b.ts'" },
      { 'node/a.ts': "import '../web/b.ts'" },
      { 'web/demo/a.ts': "import '../../node/b.ts'" },
      { 'web/a.ts': "const b = await import('../test/b.ts')" }
    ],
    kept: { 'node/cli/a.ts': "import '../b.ts'; import '../../src/libp2p/c.ts'", 'src/libp2p/a.ts': "import '../core/index.ts'" }
  },
  {
    rule: rules.demosAreLeaves,
    name: 'nothing published imports the demo, the command line or the network in memory',
    about: published,
    broken: [
      { 'web/index.ts': "import './demo/a.ts'" },
      { 'node/index.ts': "import './cli/a.ts'" },
      { 'src/libp2p/a.ts': "import '../testing/b.ts'" }
    ],
    kept: { 'web/demo/a.ts': "import './b.ts'" }
  },
  {
    rule: rules.importsNameExistingFiles,
    name: 'every relative import names a file that is there',
    about: all.filter(({ path }) => path !== 'test/package/consumer.test.ts'),
    broken: [{ 'src/core/values/a.ts': "import './gone.ts'" }],
    kept: { 'src/core/values/a.ts': "import './b.ts'", 'src/core/values/b.ts': '' }
  },
  {
    rule: rules.coreImportsOnlyPureLibraries,
    name: 'the core imports nothing from outside but types of small pure libraries',
    about: published,
    broken: [
      { 'src/core/flows/a.ts': "import type { Libp2p } from 'libp2p'" },
      { 'src/core/tables/a.ts': "import { readFile } from 'node:fs'" },
      { 'src/core/wire/a.ts': "import { Uint8ArrayList } from 'uint8arraylist'" },
      { 'src/core/wire/b.ts': 'const a = import(name)' },
      { 'src/core/tables/b.ts': "import { blake2b } from '@noble/hashes/blake2.js'" }
    ],
    kept: {
      'src/core/wire/a.ts': "import type { Uint8ArrayList } from 'uint8arraylist'",
      'src/libp2p/a.ts': "import type { Libp2p } from 'libp2p'"
    }
  },
  {
    rule: rules.onlyNodeUsesNode,
    name: 'only files for Node import modules of Node',
    about: published,
    broken: [{ 'src/libp2p/a.ts': "import 'node:net'" }, { 'web/a.ts': "import type { Socket } from 'node:net'" }],
    kept: { 'node/a.ts': "import 'node:net'" }
  },
  {
    rule: rules.noImportCycles,
    name: 'no imports go in a circle',
    about: all,
    broken: [
      { 'src/a.ts': "import './a.ts'" },
      { 'src/a.ts': "import './b.ts'", 'src/b.ts': "import type { C } from './c.ts'", 'src/c.ts': "export * from './a.ts'" }
    ],
    kept: { 'src/a.ts': "import './b.ts'; import './c.ts'", 'src/b.ts': "import './c.ts'", 'src/c.ts': '' }
  },
  {
    rule: rules.lowerLayersNeverWait,
    name: 'values, wire, tables and decisions never wait',
    about: published,
    broken: [
      { 'src/core/values/a.ts': 'export async function a() {}' },
      { 'src/core/wire/a.ts': 'export const a = async () => 1' },
      { 'src/core/tables/a.ts': 'export class A { async a() {} }' },
      { 'src/core/decisions/a.ts': 'export const a = Promise.resolve(1)' },
      { 'src/core/decisions/b.ts': 'export type A = Promise<void>' },
      { 'src/core/decisions/c.ts': 'await a' },
      { 'src/core/decisions/d.ts': 'for await (const a of b) a()\nexport {}' }
    ],
    kept: { 'src/core/values/a.ts': 'export interface Port { a(): Promise<void> }', 'src/core/flows/a.ts': 'export async function a() {}' }
  },
  {
    rule: rules.coreTouchesNoWorld,
    name: 'the core touches no clock, no chance, no page and no process of its own',
    about: published,
    broken: [
      { 'src/core/values/a.ts': 'export const a = Date.now()' },
      { 'src/core/values/b.ts': 'export const a = { at: new Date() }' },
      { 'src/core/values/c.ts': 'export const a = Math.random' },
      { 'src/core/flows/a.ts': 'setTimeout(() => {}, 1)' },
      { 'src/core/flows/b.ts': 'const { now } = performance' },
      { 'src/core/flows/c.ts': 'export const a = { crypto }' },
      { 'src/core/flows/d.ts': "if (typeof window === 'object') a()" },
      { 'src/core/flows/e.ts': 'AbortSignal.timeout(5)' },
      { 'src/core/flows/f.ts': 'globalThis.setTimeout' },
      { 'src/core/flows/g.ts': 'import.meta.url' }
    ],
    kept: {
      'src/core/values/a.ts': 'interface Clock { Date: number; performance(): void } const a = { crypto: 1, process() {} }; a.crypto',
      'src/core/flows/a.ts': "import { location } from './b.ts'; queueMicrotask(location); Math.min(1, 2); new AbortController()",
      'src/libp2p/a.ts': 'export const a = Date.now()'
    }
  },
  {
    rule: rules.everyFieldHasItsWriters,
    name: 'what the operator said, a proof showed and peers claim is written by its own files only',
    about: published,
    broken: [
      { 'src/core/flows/mixing.ts': 'record.asOperator().expectedPeerId = id' },
      { 'src/core/tables/claims.ts': 'parts.points.get(point)?.asProved()' },
      { 'src/core/tables/claims.ts': 'const operator = record.asOperator()' },
      { 'src/core/tables/known-points.ts': 'record.asClaimed().claimedBy = id' },
      { 'src/core/flows/a.ts': 'attempt.asOwner().hasSlot = true' }
    ],
    kept: { 'src/core/tables/claims.ts': 'record.asClaimed().isSigned = true', 'src/core/flows/a.ts': 'a.asOperator' }
  },
  {
    rule: rules.onlyTheOwnerWrites,
    name: 'outside of tables nobody holds what a record is written by',
    about: published,
    broken: [
      { 'src/core/flows/a.ts': "import { notePoint } from '../tables/point.ts'" },
      { 'src/core/api/a.ts': "import type { PeerRecord as Peer } from '../tables/peer.ts'" },
      { 'src/libp2p/a.ts': "import type { Parts } from '../core/tables/pool-view.ts'" }
    ],
    kept: {
      'src/core/flows/a.ts': "import { noteTaken } from './b.ts'; import type { PointInfo } from '../tables/point.ts'",
      'src/core/tables/a.ts': "import { notePoint } from './point.ts'"
    }
  },
  {
    rule: rules.filesAreReadInOnePlace,
    name: 'a Node peer opens files for reading in one place',
    about: published,
    broken: [
      { 'node/a.ts': "import { readFile } from 'node:fs/promises'" },
      { 'node/command/a.ts': "import { createReadStream as read } from 'node:fs'" }
    ],
    kept: {
      'node/a.ts': "import { stat, writeFile } from 'node:fs/promises'",
      'node/cli/a.ts': "import { readFile } from 'node:fs/promises'"
    }
  },
  {
    rule: rules.filesAreSmall,
    name: 'no file is longer than 400 lines',
    about: all,
    broken: [{ 'src/a.ts': '\n'.repeat(401) }],
    kept: { 'src/a.ts': '\n'.repeat(400) }
  },
  {
    rule: rules.namesSayWhat,
    name: 'file names are kebab-case after their concept',
    about: all,
    broken: [{ 'src/utils.ts': '' }, { 'test/helpers/a.ts': '' }, { 'src/core/peer-manager.ts': '' }, { 'node/jsonFile.ts': '' }],
    kept: { 'src/core/peer-pool.ts': '', 'test/core/peer-pool.test.ts': '' }
  },
  {
    rule: rules.noDefaultExports,
    name: 'there are no default exports',
    about: all,
    broken: [{ 'src/a.ts': 'export default function a() {}' }],
    kept: { 'src/a.ts': 'export function a() {}' }
  },
  {
    rule: rules.filesBeginWithTheirPurpose,
    name: 'every source file begins with what it is for',
    about: published,
    broken: [{ 'src/a.ts': "import 'x'\n/** late */" }, { 'src/b.ts': '// weak' }],
    kept: { 'src/a.ts': '/** Owns a. */' }
  },
  {
    rule: rules.noLooseEnds,
    name: 'no comment leaves work undone or switches a check off',
    about: all,
    broken: [{ 'src/a.ts': '// TODO: later' }, { 'src/a.ts': '/* @ts-ignore */' }],
    kept: { 'src/a.ts': "/** A list of todos. */ const a = '// TODO: later'" }
  }
]

it('the files of the checkout were found', () => {
  expect(published.map(({ path }) => path)).toEqual(expect.arrayContaining(['src/core/values/ids.ts', 'node/cli/chromium.ts']))
})

describe.each(cases)('$name', ({ rule, about, broken, kept }) => {
  it('in this checkout', () => {
    expect(rule(about)).toEqual([])
  })

  it.each(broken.map((files) => [files]))('and this breaks it: %o', (files) => {
    expect(rule(parsed(files))).not.toEqual([])
  })

  it('and what comes close keeps it', () => {
    expect(rule(parsed(kept))).toEqual([])
  })
})

function parsed(files: Readonly<Record<string, string>>): typeof all {
  return Object.entries(files).map(([path, text]) => parseSource(path, text))
}
