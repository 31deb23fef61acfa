/**
 * Frames to messages, by the table of `schema.ts`. Called by `flows/` with what `frame.ts` cut out of the stream. Which
 * message may come when, and whether its points are points, is decided there; here only form and size count.
 */
import type { PoolMessage } from '../values/message.ts'
import { type WireLimits, wireCaps } from './caps.ts'
import { fault } from './fault.ts'
import { FieldReader } from './field-reader.ts'
import { fieldsOf, kinds, type TableMessage } from './schema.ts'

/**
 * The message in a frame; `undefined` for a kind that only later versions know, to be ignored. Throws `WireFault` and
 * nothing else. The payload of an application message shares the memory of the frame; all else is copied.
 */
export function decodeMessage(frame: Uint8Array, limits: WireLimits): PoolMessage | undefined {
  if (frame.length === 0) fault('Frame', 'a message', 'nothing')
  const reader = new FieldReader(frame, 'Frame')
  let message: PoolMessage | undefined
  while (reader.next()) {
    const kind = kinds[reader.id]
    if (kind === undefined) {
      reader.skip()
      continue
    }
    if (message !== undefined) fault('Frame', 'one message', 'two')
    message =
      kind === 'application'
        ? { kind, payload: reader.bytes(kind, limits.maxApplicationBytes) }
        : readMessage(reader.bytes(kind, wireCaps.frameBytes), kind as TableMessage['kind'])
  }
  return message
}

function readMessage(bytes: Uint8Array, kind: TableMessage['kind']): TableMessage {
  const fields = fieldsOf(kind)
  const values: Record<string, unknown> = { kind }
  for (const [key, field] of fields) values[key] = field.absent
  const reader = new FieldReader(bytes, kind)
  let seen = 0
  while (reader.next()) {
    const entry = fields.find(([, field]) => field.id === reader.id)
    if (entry === undefined) {
      reader.skip()
      continue
    }
    const [key, field] = entry
    const name = `${kind}.${key}`
    const bit = 1 << field.id
    if (!field.repeated && (seen & bit) !== 0) fault(name, 'one value', 'two')
    seen |= bit
    values[key] = field.read(reader, name, values[key])
  }
  const missing = fields.find(([, field]) => field.required && (seen & (1 << field.id)) === 0)
  if (missing !== undefined) fault(`${kind}.${missing[0]}`, 'a value', 'none')
  return values as unknown as TableMessage
}
