/**
 * Source files as facts: what a file imports, which free names it uses, where it could wait. Read from the syntax tree
 * (Vite's parser), never from text. Knows no rule; rules.ts judges.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join, posix, relative, sep } from 'node:path'
import { parseSync } from 'vite'

export interface Import {
  /** As written. */
  readonly specifier: string
  /** Path from the checkout, for a relative import; `undefined` for packages. */
  readonly path: string | undefined
  readonly typeOnly: boolean
  /** What is imported by name, as the other file calls it. */
  readonly names: readonly string[]
  readonly line: number
}

export interface Spot {
  readonly name: string
  readonly line: number
}

export interface SourceFile {
  /** From the checkout, with slashes. */
  readonly path: string
  readonly lines: number
  readonly imports: readonly Import[]
  /** Names used that are neither properties nor declared in the file, and the members `Math.random`, `AbortSignal.timeout`, `import.meta`. */
  readonly globals: readonly Spot[]
  /** Names of methods that are called, whatever the object. */
  readonly calls: readonly Spot[]
  /** `async`, `await`, `for await`, and `Promise` outside of interfaces (which only describe). */
  readonly waits: readonly Spot[]
  readonly exportsDefault: boolean
  /** The text begins with a block comment; before it there may be the line that names the interpreter. */
  readonly hasHead: boolean
  readonly comments: readonly Spot[]
}

/** Any node of the tree; children are found by looking at all fields. */
interface Node {
  readonly type: string
  readonly start: number
  readonly [field: string]: unknown
}

/** Members that are sources of time and chance although their object is harmless. */
const watchedMembers = new Set(['Math.random', 'AbortSignal.timeout'])

/** All TypeScript files below those of the folders that are there (git keeps no empty ones), sorted by path. */
export async function readSources(checkout: string, folders: readonly string[]): Promise<SourceFile[]> {
  const files: SourceFile[] = []
  const present = await readdir(checkout)
  for (const folder of folders.filter((name) => present.includes(name))) {
    const entries = await readdir(join(checkout, folder), { recursive: true, withFileTypes: true })
    for (const entry of entries) {
      if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue
      const file = join(entry.parentPath, entry.name)
      files.push(parseSource(relative(checkout, file).replaceAll(sep, '/'), await readFile(file, 'utf8')))
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Throws if the text is not TypeScript. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, comments, errors } = parseSync(path, text, { lang: path.endsWith('x') ? 'tsx' : 'ts' })
  if (errors.length > 0) throw new SyntaxError(`${path}: ${errors[0]?.message}`)

  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length
  const imports: Import[] = []
  const used: Spot[] = []
  const calls: Spot[] = []
  const waits: Spot[] = []
  const declared = new Set<string>()
  let exportsDefault = false

  const addImport = (source: unknown, typeOnly: boolean, start: number, names: readonly string[] = []): void => {
    const specifier = isNode(source) && typeof source.value === 'string' ? source.value : '(computed)'
    const target = specifier.startsWith('.') ? posix.normalize(posix.join(posix.dirname(path), specifier)) : undefined
    imports.push({ specifier, path: target, typeOnly, names, line: lineOf(start) })
  }

  const visit = (node: Node, parents: readonly Node[]): void => {
    const line = lineOf(node.start)
    switch (node.type) {
      case 'ImportDeclaration':
        addImport(node.source, isTypeOnly(node, 'importKind'), node.start, importedNames(node))
        break
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        if (isNode(node.source)) addImport(node.source, isTypeOnly(node, 'exportKind'), node.start)
        break
      case 'ImportExpression':
        addImport(node.source, false, node.start)
        break
      case 'TSImportType':
        addImport(node.source, true, node.start)
        break
      case 'ExportDefaultDeclaration':
        exportsDefault = true
        break
      case 'CallExpression': {
        const name = isNode(node.callee) && node.callee.type === 'MemberExpression' ? nameOf(node.callee.property) : undefined
        if (name !== undefined) calls.push({ name, line })
        break
      }
      case 'AwaitExpression':
        waits.push({ name: 'await', line })
        break
      case 'MetaProperty':
        if (text.startsWith('import', node.start)) used.push({ name: 'import.meta', line })
        break
      case 'MemberExpression': {
        const member = `${nameOf(node.object)}.${nameOf(node.property)}`
        if (watchedMembers.has(member)) used.push({ name: member, line })
        break
      }
      case 'Identifier': {
        const name = nameOf(node)
        const parent = parents.at(-1)
        if (name === undefined || parent === undefined) break
        if (declares(parent, node)) declared.add(name)
        else if (!isLabel(parent, node)) {
          used.push({ name, line })
          if (name === 'Promise' && !parents.some(({ type }) => type === 'TSInterfaceDeclaration')) waits.push({ name, line })
        }
        break
      }
    }
    if (node.async === true) waits.push({ name: 'async', line })
    if (node.await === true) waits.push({ name: 'for await', line })
    const below = [...parents, node]
    for (const child of childrenOf(node)) visit(child, below)
  }
  visit(program as unknown as Node, [])

  return {
    path,
    lines: text.replace(/\n$/, '').split('\n').length,
    imports,
    globals: used.filter(({ name }) => !declared.has(name)),
    calls,
    waits,
    exportsDefault,
    hasHead: /^(#!.*\n)?\/\*\*/.test(text),
    comments: comments.map(({ value, start }) => ({ name: value, line: lineOf(start) }))
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function nameOf(value: unknown): string | undefined {
  return isNode(value) && typeof value.name === 'string' ? value.name : undefined
}

function childrenOf(node: Node): Node[] {
  return Object.values(node).flat().filter(isNode)
}

function importedNames(node: Node): string[] {
  const specifiers = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : []
  return specifiers.map(({ imported }) => nameOf(imported)).filter((name) => name !== undefined)
}

/** `import type …`, or every name in the braces marked `type`. */
function isTypeOnly(node: Node, kind: 'importKind' | 'exportKind'): boolean {
  if (node[kind] === 'type') return true
  const specifiers = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : []
  return specifiers.length > 0 && specifiers.every((specifier) => specifier[kind] === 'type')
}

/** Does the parent bring this identifier into being? A name bound in a pattern is found through the pattern. */
function declares(parent: Node, node: Node): boolean {
  switch (parent.type) {
    case 'ImportSpecifier':
    case 'ImportDefaultSpecifier':
    case 'ImportNamespaceSpecifier':
      return parent.local === node
    case 'VariableDeclarator':
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return parent.id === node
    case 'TSTypeParameter':
      return parent.name === node
    default:
      return false
  }
}

/** Is it the name of a property, a member or a tuple element, not of a value? Names of parameters pass as uses: none may be a global's. */
function isLabel(parent: Node, node: Node): boolean {
  switch (parent.type) {
    case 'MemberExpression':
      return parent.property === node && parent.computed === false
    case 'Property':
      return parent.key === node && parent.computed === false && parent.value !== node && nameOf(parent.value) !== nameOf(node)
    case 'MethodDefinition':
    case 'PropertyDefinition':
    case 'AccessorProperty':
    case 'TSPropertySignature':
    case 'TSMethodSignature':
    case 'TSAbstractMethodDefinition':
    case 'TSAbstractPropertyDefinition':
      return parent.key === node && parent.computed !== true
    case 'TSQualifiedName':
      return parent.right === node
    case 'ImportSpecifier':
    case 'ExportSpecifier':
    case 'TSNamedTupleMember':
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'ImportAttribute':
      return true
    default:
      return false
  }
}
