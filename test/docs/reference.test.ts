/** The API reference that `npm run docs` makes, held against its rules: every public name says what it is, and no link is dead. */
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
