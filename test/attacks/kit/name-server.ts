/**
 * A DNS server of the laboratory, and the resolver configuration that leads every process of the row to it. Its answers may change from
 * one question to the next.
 */
import { execFileSync } from 'node:child_process'
import dgram from 'node:dgram'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineRole } from '../../laboratory/role.ts'

export interface NameRecord {
  readonly name: string
  /** Addresses of each answer in turn; the last one stays. */
  readonly answers: readonly (readonly string[])[]
  /** Texts, for `_dnsaddr` names. */
  readonly texts?: readonly string[]
}

const address = '127.0.0.53'
const types = { a: 1, txt: 16, aaaa: 28 } as const
const nameError = 3
const headerBytes = 12

/** Call it in the row's own process before any process starts that is to use these names. The mount namespace is the row's own. */
export function resolveLaboratoryNames(): void {
  const folder = mkdtempSync(join(tmpdir(), 'names-'))
  const file = join(folder, 'resolv.conf')
  writeFileSync(file, `nameserver ${address}\noptions timeout:1 attempts:1\n`)
  execFileSync('mount', ['--bind', file, realpathSync('/etc/resolv.conf')])
  // The mount keeps what it shows.
  rmSync(folder, { recursive: true })
}

export const nameServer = defineRole(import.meta.url, 'nameServer', async ({ records }: { records: readonly NameRecord[] }) => {
  const byName = new Map(records.map((record) => [record.name, record]))
  /** Questions so far, by name and type: resolvers ask for both families of addresses. */
  const asked = new Map<string, number>()
  const socket = dgram.createSocket('udp4')
  socket.on('message', (question, from) => {
    const { name, type, end } = readQuestion(question)
    const record = byName.get(name)
    const turn = asked.get(`${name} ${type}`) ?? 0
    asked.set(`${name} ${type}`, turn + 1)
    const addresses = record?.answers[Math.min(turn, record.answers.length - 1)] ?? []
    const data = type === types.txt ? (record?.texts ?? []).map(textData) : addresses.filter((one) => typeOf(one) === type).map(addressData)
    socket.send(answerTo(question.subarray(0, end), { type, data, isKnown: record !== undefined }), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(53, address, resolve))
  return { lookups: (): Readonly<Record<string, number>> => Object.fromEntries(asked) }
})

function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = headerBytes
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 }
}

function answerTo(question: Buffer, { type, data, isKnown }: { type: number; data: readonly Buffer[]; isKnown: boolean }): Buffer {
  const head = Buffer.from(question)
  // A response, recursion available.
  head.writeUInt16BE(0x8180 | (isKnown ? 0 : nameError), 2)
  head.writeUInt16BE(data.length, 6)
  head.writeUInt32BE(0, 8)
  const answers = data.map((bytes) => {
    const fixed = Buffer.alloc(12)
    // The name stands in the question.
    fixed.writeUInt16BE(0xc000 | headerBytes, 0)
    fixed.writeUInt16BE(type, 2)
    fixed.writeUInt16BE(1, 4)
    fixed.writeUInt16BE(bytes.length, 10)
    return Buffer.concat([fixed, bytes])
  })
  return Buffer.concat([head, ...answers])
}

const typeOf = (text: string): number => (text.includes(':') ? types.aaaa : types.a)

function addressData(text: string): Buffer {
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number))
  const [before = '', after = ''] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::')
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const [head, tail] = [groups(before), groups(after)]
  const all = text.includes('::') ? [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail] : head
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]))
}

function textData(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text, 'latin1')])
}
