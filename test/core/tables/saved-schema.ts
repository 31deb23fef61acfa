/** The JSON schema of one line of the saved state, made of the tables of fields: `docs/storage.schema.json` must be this. */
import {
  date,
  entryFields,
  type Field,
  type Fields,
  number,
  peerId,
  point,
  type Read,
  text
} from '../../../src/core/tables/saved-fields.ts'
import { maxAnchors } from '../../../src/core/values/bounds.ts'

const $defs = {
  date: { description: 'Milliseconds since 1970.', type: 'number', minimum: 0 },
  point: { description: 'The text of a multiaddr.', type: 'string', maxLength: 1024 },
  peerId: { description: 'The text of a libp2p peer id.', type: 'string', maxLength: 1024 }
}
const ref = (name: keyof typeof $defs) => ({ $ref: `#/$defs/${name}` })

const named = new Map<Field<unknown>['of'], object>([
  ['boolean', { type: 'boolean' }],
  ['number', { type: 'number', minimum: 0 }],
  ['json', { description: "The application's own." }],
  [text as Read<unknown>, { type: 'string', maxLength: 1024 }],
  [number as Read<unknown>, { type: 'number', minimum: 0 }],
  [date as Read<unknown>, ref('date')],
  [point as Read<unknown>, ref('point')],
  [peerId as Read<unknown>, ref('peerId')]
])

function schemaOf(what: Field<unknown>['of']): object {
  const known = named.get(what)
  if (known !== undefined) return known
  const shape = typeof what === 'function' ? what.shape : undefined
  if (shape === undefined) throw new Error('a reader without a shape, which the schema does not know')
  if ('words' in shape) return { enum: shape.words }
  if ('items' in shape) return { type: 'array', items: schemaOf(shape.items) }
  return objectOf(shape.fields)
}

function objectOf(fields: Fields, kind?: string): object {
  const required = Object.entries(fields).flatMap(([name, { of }]) => (of === undefined ? [name] : []))
  const properties = Object.entries(fields).map(([name, { of, read }]) => [name, schemaOf(of ?? read)] as const)
  return {
    type: 'object',
    required: kind === undefined ? required : ['kind', ...required],
    properties: { ...(kind === undefined ? {} : { kind: { const: kind } }), ...Object.fromEntries(properties) }
  }
}

export function savedSchema(): object {
  const header = {
    type: 'object',
    required: ['format', 'version'],
    properties: {
      format: { const: 'p2p-pool' },
      version: { const: 1 },
      savedAt: ref('date'),
      anchors: { type: 'array', maxItems: maxAnchors, items: ref('point') }
    }
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'One line of what a p2p-pool keeps between runs, version 1',
    oneOf: [
      { title: 'The first line', ...header },
      ...Object.entries(entryFields).map(([kind, fields]) => ({ title: `A line of kind ${kind}`, ...objectOf(fields, kind) }))
    ],
    $defs
  }
}
