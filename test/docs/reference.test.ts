/** The API reference that `npm run docs` makes, held against its rules: every public name says what it is, and no link is dead. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  Application,
  DeclarationReflection,
  type ProjectReflection,
  ReferenceType,
  type Reflection,
  ReflectionKind,
  SignatureReflection,
  type SomeType,
  TSConfigReader,
  TypeDocReader
} from 'typedoc'
import { beforeAll, expect, test } from 'vitest'
import { isVerb } from '../../src/core/verbs.ts'

const options = fileURLToPath(new URL('../../typedoc.json', import.meta.url))

let app: Application
let project: ProjectReflection

beforeAll(async () => {
  app = await Application.bootstrap({ options, logLevel: 'None' }, [new TypeDocReader(), new TSConfigReader()])
  const converted = await app.convert()
  if (converted === undefined) throw new Error('expected typedoc to read the entry points')
  project = converted
}, 120_000)

/** Types, functions and members; a module's own text, constructors and parameters are not asked for. */
const named =
  ReflectionKind.Variable |
  ReflectionKind.Class |
  ReflectionKind.Interface |
  ReflectionKind.TypeAlias |
  ReflectionKind.Property |
  ReflectionKind.CallSignature |
  ReflectionKind.GetSignature

const hasText = ({ comment }: Reflection): boolean =>
  comment !== undefined && (comment.hasVisibleComponent() || comment.modifierTags.size > 0)

/** A signature's text may stand at its function, and what a member implements or overrides may have it. */
function isDocumented(reflection: Reflection): boolean {
  if (hasText(reflection)) return true
  if (reflection instanceof SignatureReflection) return hasText(reflection.parent)
  return reflection instanceof DeclarationReflection && (reflection.signatures ?? []).some(hasText)
}

/** The text of a type is enough for a property whose name says the rest: `peerId: PeerId`. A number, a text or a flag has none. */
function isSaidByType(type: SomeType | undefined): boolean {
  if (type instanceof ReferenceType) return type.reflection !== undefined && isDocumented(type.reflection)
  if (type?.type === 'union')
    return type.types.every((part) => (part.type === 'intrinsic' && part.name === 'undefined' ? true : isSaidByType(part)))
  return type?.type === 'literal'
}

/** A record without a name of its own is described by whatever has it. */
function isInRecord({ parent }: Reflection): boolean {
  return parent?.kindOf(ReflectionKind.TypeLiteral) === true
}

const isPublic = (reflection: Reflection): boolean => !reflection.flags.isExternal && !reflection.name.startsWith('[')

const placeOf = (reflection: Reflection): string => {
  const source =
    reflection instanceof DeclarationReflection || reflection instanceof SignatureReflection ? reflection.sources?.[0] : undefined
  return `${source?.fileName}:${source?.line} ${reflection.getFullName()}`
}

test('every public name says what it is', () => {
  const silent = project
    .getReflectionsByKind(named)
    .filter((reflection) => isPublic(reflection) && !isInRecord(reflection) && !isDocumented(reflection))
    .filter((reflection) => !(reflection instanceof DeclarationReflection && isSaidByType(reflection.type)))
  expect([...new Set(silent.map(placeOf))].sort()).toEqual([])
})

/** What a name and its class, or the function around it, say. */
function textOf(reflection: Reflection): string {
  return (reflection.comment?.summary ?? []).map(({ text }) => text).join('')
}

const codes =
  /`(rejected|invalid-point|invalid-peer-id|invalid-config|invalid-argument|invalid-invitation|table-full|not-started|destroyed|not-connected|no-owner)`/

test('a text that says that a PoolError is thrown names its code', () => {
  const silent = project
    .getReflectionsByKind(ReflectionKind.CallSignature | ReflectionKind.ConstructorSignature | ReflectionKind.Class)
    .filter((one) => isPublic(one) && /(throw|reject)s?[^.]*`PoolError`/i.test(textOf(one)) && !codes.test(textOf(one)))
  expect([...new Set(silent.map(placeOf))].sort()).toEqual([])
})

test('every method that checks its arguments, or its class, names the code for bad ones', () => {
  const checked = project
    .getReflectionsByKind(ReflectionKind.Method)
    .filter((method): method is DeclarationReflection => method instanceof DeclarationReflection && isPublic(method))
    .filter(({ name, parent }) => isVerb(parent?.name === 'PeerPool' ? name : `${parent?.name.toLowerCase()}.${name}`))
  expect(checked.length).toBeGreaterThan(40)
  const silent = checked.filter(
    (method) => ![...(method.signatures ?? []), method.parent].some((one) => one !== undefined && /`invalid-/.test(textOf(one)))
  )
  expect([...new Set(silent.map(placeOf))].sort()).toEqual([])
})

test.each([
  ['NodePeerInit', 'node', 'docs/guide/node.md'],
  ['TabPeerInit', 'web', 'docs/guide/page.md'],
  ['WebPeerInit', 'web', 'docs/guide/page.md']
])('the guide names every option that %s adds', (name, folder, path) => {
  const guide = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
  const options = project
    .getReflectionsByKind(ReflectionKind.Property)
    .filter(({ parent }) => parent?.name === name && parent.kindOf(ReflectionKind.Interface))
    .filter((option) => option instanceof DeclarationReflection && option.sources?.[0]?.fileName.startsWith(`${folder}/`) === true)
    .map((option) => option.name)
  expect(options.length).toBeGreaterThan(1)
  expect(options.filter((option) => !new RegExp(`\`${option}[\`:(]`).test(guide))).toEqual([])
})

test('every duration says its unit', () => {
  const durations = project
    .getReflectionsByKind(ReflectionKind.Property)
    .filter((reflection) => /Ms$/.test(reflection.name) && isPublic(reflection) && !isInRecord(reflection))
  const silent = durations.filter(({ comment }) => !/\bms\b/.test(comment?.summary.map(({ text }) => text).join('') ?? ''))
  expect(durations.length).toBeGreaterThan(20)
  expect([...new Set(silent.map(placeOf))].sort()).toEqual([])
})

test('the reference links to nothing that is missing, and shows every type that it uses', () => {
  const warnings: string[] = []
  app.logger.validationWarning = (text) => warnings.push(text)
  app.validate(project)
  expect(warnings).toEqual([])
})
