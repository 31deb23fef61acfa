/** docs/protocol.md and p2p-pool.proto, held against the code. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { maxRates } from '../../../src/core/flows/exchange.ts'
import { nackMotive, reasonCode } from '../../../src/core/values/reason.ts'
import * as wireCaps from '../../../src/core/wire/caps.ts'
import { decodeMessage } from '../../../src/core/wire/decode.ts'
import { encodeMessage } from '../../../src/core/wire/encode.ts'
import { WireFault } from '../../../src/core/wire/fault.ts'
import { bytesType } from '../../../src/core/wire/field-reader.ts'
import { FrameReader } from '../../../src/core/wire/frame.ts'
import type { PoolMessage } from '../../../src/core/wire/schema.ts'
import { type Field, kinds, schemas, tag } from '../../../src/core/wire/schema.ts'
import { anyMessage, body, fromHex, limits } from './messages.ts'

const document = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8')
const schemaText = readFileSync(new URL('../../../src/core/wire/p2p-pool.proto', import.meta.url), 'utf8')
const frameType = protobuf.parse(schemaText).root.resolveAll().lookupType('p2p_pool.v1.Frame')

/** Properties that the document gives in hex. */
const bytesKeys = ['signedPeerRecord', 'instance', 'metadata', 'payload']

const examples = [...document.matchAll(/^### (.+)\n\n```json\n(.+)\n```\n\n```hex\n([0-9a-f\s]+)```/gm)].map(
  ([, title = '', json = '', hex = '']): [title: string, message: PoolMessage, bytes: Uint8Array] => [
    title,
    JSON.parse(json, (key, value: unknown) => (bytesKeys.includes(key) ? fromHex(String(value)) : value)),
    fromHex(hex)
  ]
)

/** `disconnect` for `disconnect`, `swapRequest` for `swap-request`: the name of a kind in the schema. */
function fieldName(kind: string): string {
  return kind.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** Our message as protobufjs has it. */
function asObject(message: PoolMessage): Record<string, unknown> {
  if (message.kind === 'application') return { application: message.payload }
  const { kind, ...values } = message
  if (kind === 'advertise') {
    const { points, ownPoints } = values as { points: string[]; ownPoints?: string[] }
    return { advertise: ownPoints === undefined ? { points } : { points, ownPoints: { points: ownPoints } } }
  }
  return { [fieldName(kind)]: values }
}

function typeWords({ type, count, isWrapped }: Field): string {
  const one = type === 'text' ? 'string' : type
  const all = count === undefined ? one : `repeated ${one}`
  return isWrapped ? `message with 1 \`points\`: ${all}` : all
}

function capWords({ max, min, count }: Field): string {
  const each = max === undefined ? '' : `${min === undefined ? '' : `${min} to `}${max.toLocaleString('en-US')} bytes`
  return [count, each].filter((part) => part !== undefined && part !== '').join(' of ')
}

describe('docs/protocol.md', () => {
  it('has an example of every kind', () => {
    expect(new Set(examples.map(([, message]) => message.kind))).toEqual(new Set(kinds.slice(1)))
  })

  it.each(examples)('example "%s" decodes and encodes to the same bytes', (_title, message, bytes) => {
    const reader = new FrameReader()
    reader.push(bytes)
    const frame = reader.next(limits) ?? new Uint8Array(0)
    expect(reader.heldBytes).toBe(0)
    expect(decodeMessage(frame, limits)).toEqual(message)
    expect(Buffer.from(encodeMessage(message)).toString('hex')).toBe(Buffer.from(bytes).toString('hex'))
  })

  it.each(examples)('example "%s" cut anywhere is no frame in the stream and a fault in the frame', (_title, _message, bytes) => {
    for (let end = 0; end < bytes.length; end += 1) {
      const reader = new FrameReader()
      reader.push(bytes.subarray(0, end))
      expect(reader.next(limits)).toBeUndefined()
      if (end > 0) expect(() => decodeMessage(bytes.subarray(1, end), limits)).toThrow(WireFault)
    }
  })

  it('names every cap with its value', () => {
    const section = document.slice(document.indexOf('## Caps'), document.indexOf('## Rates'))
    const written = [...section.matchAll(/^\| `(\w+)` \| ([\d,]+) \|$/gm)].map(([, name, value = '']) => [
      name,
      Number(value.replaceAll(',', ''))
    ])
    expect(Object.fromEntries(written)).toEqual({ ...wireCaps })
  })

  it('names every rate with its figures', () => {
    const section = document.slice(document.indexOf('## Rates'), document.indexOf('## Later versions'))
    const written = [...section.matchAll(/^\| `(\w+)` \|.*\| (\d+) \| ([\d.]+) \|/gm)].map(([, name, capacity, perSecond]) => [
      name,
      { capacity: Number(capacity), perSecond: Number(perSecond) }
    ])
    expect(Object.fromEntries(written)).toEqual(maxRates)
  })

  it('names the first byte of each message, and the wire type of all', () => {
    const written = [...document.matchAll(/^\| (\d+) \| \w+ \| `0x([0-9a-f]{2})` \|/gm)].map(([, id, byte = '']) => [
      Number(id),
      Number.parseInt(byte, 16)
    ])
    expect(written).toEqual(kinds.map((_, id) => [id, tag(id, bytesType)]).slice(1))
    expect(document).toContain('8 × number + 2')
  })

  it('gives each field its number, type and cap', () => {
    const { hello, nack, bootstrap, advertise, disconnect } = schemas
    const sections = {
      Hello: hello,
      Nack: nack,
      Bootstrap: bootstrap,
      Advertise: advertise,
      'SwapRequest and SwapAck': schemas['swap-ack'],
      Disconnect: disconnect
    }
    for (const [title, fields] of Object.entries(sections)) {
      const section = document.slice(document.indexOf(`### ${title}\n`)).split('\n### ')[0] ?? ''
      const rows = [...section.matchAll(/^\| (\d+) `(\w+)` \| ([^|]+) \| ?([^|]*?) ?\|/gm)].map(([, id, name, type, cap]) => [
        id,
        name,
        type,
        cap
      ])
      const ours = Object.entries<Field>(fields).map(([name, field]) => [
        String(field.id),
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        typeWords(field),
        capWords(field)
      ])
      expect(rows, title).toEqual(ours)
    }
  })

  it('names every motive and every reason with its code', () => {
    const motives = document.slice(document.indexOf('### Motives of a Nack'), document.indexOf('### Reasons of a Disconnect'))
    expect([...motives.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))).toEqual(Object.values(nackMotive))
    const codes = [...document.matchAll(/^\| (\d+) \| `([a-z-]+)`/gm)].map(([, code, kind]) => [kind, Number(code)])
    expect(Object.fromEntries(codes)).toMatchObject(reasonCode)
  })
})

describe('p2p-pool.proto', () => {
  it('has the kinds and fields of our table, by number and name', () => {
    const inSchema = frameType.fieldsArray.map(({ id, name }) => [id, name])
    expect(inSchema).toEqual(kinds.map((kind, id) => [id, fieldName(kind)]).slice(1))
    for (const [kind, fields] of Object.entries(schemas)) {
      const type = frameType.fields[fieldName(kind)]?.resolve().resolvedType as protobuf.Type
      const ours = Object.entries(fields).map(([name, { id }]) => [id, name])
      expect(
        type.fieldsArray.map(({ id, name }) => [id, name]),
        kind
      ).toEqual(ours)
    }
  })

  it('read by another implementation, our bytes mean the same, and its bytes are ours', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const frame = body(encodeMessage(message))
        const theirs = frameType.decode(frame)
        expect(Buffer.from(frameType.encode(theirs).finish()).toString('hex')).toBe(Buffer.from(frame).toString('hex'))
        const written = frameType.encode(frameType.create(asObject(message))).finish()
        // Its bytes may be a Buffer, which is not equal to an array with the same bytes.
        expect(decodeMessage(new Uint8Array(written), limits)).toEqual(message)
      }),
      { numRuns: 500 }
    )
  })
})
