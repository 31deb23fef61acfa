/** The verbs against a peer that is none: what it says steers no terminal, and whose socket it is. */
import { chmod, chown, mkdir } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readLines } from '../../../node/command/control-lines.ts'
import { steady } from '../../../node/command/text-output.ts'
import { command, loopback, spawned, type TemporaryFolder, temporaryFolder } from './running.ts'

let folder: TemporaryFolder
let server: Server | undefined

beforeEach(async () => {
  folder = await temporaryFolder()
})

afterEach(async () => {
  server?.close()
  server = undefined
  await folder.remove()
})

/** Gives these answers to whatever is asked, each with the id of the request. */
async function answering(...answers: readonly object[]): Promise<void> {
  const path = join(folder.path, 'control.sock')
  const made = createServer(async (socket) => {
    socket.on('error', () => socket.destroy())
    for await (const line of readLines(socket, 10_000)) {
      for (const answer of answers) socket.write(`${JSON.stringify({ version: 1, id: JSON.parse(line).id, ...answer })}\n`)
    }
  })
  server = made
  await new Promise<void>((resolve) => made.listen(path, resolve))
  await chmod(path, 0o600)
}

const on = (...args: readonly string[]) => command([...args, '--data', folder.path])

/** C0, DEL, C1, those that turn the direction of text or hide in it, tags, private ones, halves of pairs. */
const hostile = [
  '\u0007',
  '\u001b[31m',
  '\u007f',
  '\u009b31m',
  '\u009d0;t',
  '\u061c',
  '\u200f',
  '\u202e',
  '\u2028',
  '\u2067',
  '\u200b',
  '\u{e0041}',
  '\ue000',
  '\ud800'
]
const steering = /[\p{C}\p{Zl}\p{Zp}]/u
const asLines = (text: string): string => text.replaceAll('\n', '')

describe('what comes from outside steers no terminal', () => {
  it.each(hostile)('%j', async (bad) => {
    const connection = { peerId: bad, direction: 'outgoing', transport: bad, rttMs: { last: 1, least: 1 }, establishedAt: 0, host: bad }
    const ways: readonly [readonly string[], object][] = [
      [['connect', '/ip4/127.0.0.1/tcp/1'], { error: { code: 'failed', message: `network ${bad}` } }],
      [['why', '/ip4/127.0.0.1/tcp/1'], { value: { text: bad } }],
      [['peers', '--verbose'], { value: { connections: [{ ...connection, kind: bad, point: bad, remoteAddress: bad }] } }],
      [['peers', '--json'], { value: { connections: [{ ...connection, kind: bad }] } }],
      [['connect', '/ip4/127.0.0.1/tcp/1'], { value: { peerId: bad } }],
      [['forget', '/ip4/127.0.0.1/tcp/1'], { value: { points: [{ point: '/ip4/127.0.0.1/tcp/1', peerId: bad }] } }],
      [['status'], { value: { health: bad } }]
    ]
    for (const [args, answer] of ways) {
      await answering(answer)
      const { text, complaint } = await on(...args)
      expect(asLines(text + complaint)).not.toMatch(steering)
      expect(asLines(text + complaint)).not.toBe('')
      server?.close()
    }
    await answering({ event: { type: bad, detail: { host: bad, [bad]: { [bad]: bad } }, at: 0 } }, { value: null })
    const { text } = await on('events')
    expect(asLines(text)).not.toMatch(steering)
    expect(text.match(/\n/g)).toHaveLength(1)
    const usage = await on(bad)
    expect(usage.status).toBe(64)
    expect(asLines(usage.complaint)).not.toMatch(steering)
  })

  it('an error of several lines is seen to be one', async () => {
    await answering({ error: { code: 'failed', message: 'no\np2p-pool: connected' } })
    expect((await on('why', '/ip4/127.0.0.1/tcp/1')).complaint).toBe('p2p-pool: no\n  p2p-pool: connected\n')
  })

  it('bold type of our own stays, where there are colours', () => {
    let written = ''
    const add = (text: string): void => {
      written += text
    }
    const out = { write: add, complain: add }
    steady({ ...out, hasColors: true }).write('\u001b[1mHEAD\u001b[22m\n\u001b[2J')
    steady({ ...out, hasColors: false }).write('\u001b[1m')
    steady({ ...out, hasColors: true }).complain('\u001b[1m')
    expect(written).toBe('\u001b[1mHEAD\u001b[22m\n\\u001b[2J\\u001b[1m\\u001b[1m')
  })
})

describe('answers of another shape', () => {
  it.each([
    [{ value: { health: 'constructor', pool: { active: 1, band: { min: 1, expected: 1, max: 1 } } } }, 'health "constructor"'],
    [{ value: null }, 'the answer is none of a peer of this release'],
    [{ nothing: 1 }, 'expected an answer with its id and a value, an error or an event'],
    [{ error: 'constructor' }, 'expected an answer with its id and a value, an error or an event'],
    [{ id: '1', value: 1 }, 'expected an answer with its id']
  ])('%j is an error', async (answer, message) => {
    await answering(answer)
    expect(await on('health')).toEqual({ status: 1, text: '', complaint: expect.stringContaining(message) })
  })

  it('an error whose code is the name of a method has exit status 1', async () => {
    await answering({ error: { code: 'constructor', message: 'no' } })
    expect(await on('health')).toEqual({ status: 1, text: '', complaint: 'p2p-pool: no\n' })
  })
})

it('too many programs: exit status 4', async () => {
  await answering({ id: 0, error: { code: 'busy', message: 'too many programs are connected to the control socket' } })
  expect(await on('health')).toEqual({
    status: 4,
    text: '',
    complaint: 'p2p-pool: too many programs are connected to the control socket\n'
  })
})

describe('a socket is asked only if', () => {
  it.each([0o777, 0o775, 0o1777])('its folder cannot be written by others: mode %o is refused', async (mode) => {
    await answering({ value: null })
    await chmod(folder.path, mode)
    const { status, complaint } = await on('maintain')
    expect({ status, complaint }).toEqual({ status: 1, complaint: expect.stringMatching(`others may write to ${folder.path} `) })
    // A peer does not run there either.
    expect(await spawned('node', '--network', 'test', '--data', folder.path, ...loopback)).toEqual({ status, complaint, text: '' })
  })

  it('it cannot be written by others itself', async () => {
    await answering({ value: null })
    await chmod(join(folder.path, 'control.sock'), 0o666)
    expect(await on('maintain')).toMatchObject({
      status: 1,
      complaint: expect.stringMatching(/control\.sock \(mode 666\); run: chmod go-w/)
    })
  })

  it.runIf(process.geteuid?.() === 0).each(['.', 'control.sock'])('%s belongs to the user or root', async (name) => {
    await answering({ value: null })
    await chown(join(folder.path, name), 12_345, 12_345)
    expect(await on('maintain')).toMatchObject({ status: 1, complaint: expect.stringMatching('belongs to user 12345, expected') })
  })

  it('there is one: a folder without says that no peer runs', async () => {
    await mkdir(join(folder.path, 'empty'))
    expect((await command(['health', '--data', join(folder.path, 'empty')])).status).toBe(2)
  })
})
