/** The control socket against programs that are not the command: nonsense, too much of it, silence, readers that do not read. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ControlTarget } from '../../../node/command/control-connection.ts'
import { type ControlEvent, maxRequestBytes, readLines } from '../../../node/command/control-lines.ts'
import { type ControlServer, listenForControl } from '../../../node/command/control-server.ts'
import { controlOf } from '../../../node/command/control-verbs.ts'
import { createNodePeer, type NodePeer } from '../../../node/index.ts'
import { type TemporaryFolder, temporaryFolder } from './running.ts'

let folder: TemporaryFolder
let server: ControlServer | undefined
let sockets: Socket[] = []

beforeEach(async () => {
  folder = await temporaryFolder()
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets = []
  await server?.close()
  server = undefined
  await folder.remove()
})

async function open(): Promise<Socket> {
  const socket = connect(join(folder.path, 's'))
  socket.on('error', () => socket.destroy())
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

async function listen(target: Partial<ControlTarget>, limits = {}): Promise<void> {
  const events = { recent: () => [], subscribe: () => () => undefined }
  server = await listenForControl(join(folder.path, 's'), { call: async () => null, events, ...target }, limits)
}

/** Sends lines, and reads as many answers. */
async function exchange(...lines: readonly string[]): Promise<Record<string, unknown>[]> {
  const socket = await open()
  const answers = readLines(socket, 1_000_000)
  socket.write(lines.map((line) => `${line}\n`).join(''))
  const read: Record<string, unknown>[] = []
  for (const _ of lines) read.push(JSON.parse((await answers.next()).value ?? '{}'))
  return read
}

const request = (verb: string, args: readonly unknown[] = [], id = 1): string => JSON.stringify({ version: 1, id, verb, args })

describe('a request', () => {
  it.each([
    ['nonsense', 'expected one JSON object in a line, got "nonsense"'],
    ['null', 'expected one JSON object in a line, got "null"'],
    ['{"version":2,"id":1,"verb":"status","args":[]}', 'version: expected 1, got 2'],
    ['{"version":1,"id":-1,"verb":"status","args":[]}', 'request.id: expected a whole number from 0'],
    ['{"version":1,"id":1,"verb":7,"args":[]}', 'request.verb: expected a text, got 7'],
    ['{"version":1,"id":1,"verb":"status"}', 'request.args: expected an array, got undefined'],
    ['{"version":1,"id":1,"verb":"status","args":[],"more":1}', 'unknown option of request "more"']
  ])('%s is answered with what was expected, and the connection goes on', async (line, message) => {
    await listen({})
    const [answer, next] = await exchange(line, request('status'))
    expect(answer).toMatchObject({ version: 1, error: { code: 'invalid-request', message: expect.stringContaining(message) } })
    expect(next).toEqual({ version: 1, id: 1, value: null })
  })

  it('longer than the cap ends the connection with an error, before its end has come', async () => {
    await listen({})
    const socket = await open()
    socket.write('x'.repeat(maxRequestBytes + 1))
    const lines: string[] = []
    for await (const line of readLines(socket, 1_000_000)) lines.push(line)
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { version: 1, id: 0, error: { code: 'too-large', message: `expected a line of at most ${maxRequestBytes} bytes, got more` } }
    ])
  })

  it('that takes too long is answered at its deadline', async () => {
    await listen({ call: () => new Promise(() => undefined) }, { verbMs: 20 })
    expect(await exchange(request('slow'))).toMatchObject([
      { error: { code: 'no-answer', message: 'slow was not done within 20 ms; it goes on' } }
    ])
  })

  it('is carried out after the one before it', async () => {
    const calls: string[] = []
    await listen({
      call: async (verb) => {
        calls.push(`${verb} begins`)
        await sleep(verb === 'slow' ? 20 : 0)
        calls.push(`${verb} ends`)
      }
    })
    expect((await exchange(request('slow', [], 1), request('fast', [], 2))).map(({ id }) => id)).toEqual([1, 2])
    expect(calls).toEqual(['slow begins', 'slow ends', 'fast begins', 'fast ends'])
  })
})

describe('a connection', () => {
  it('that says nothing ends after a while', async () => {
    await listen({}, { idleMs: 20 })
    const socket = await open()
    socket.resume()
    await once(socket, 'close')
  })

  it('that asked for nothing gives its place to a newcomer, the oldest first', async () => {
    await listen({})
    const idle = await Promise.all(Array.from({ length: 32 }, open))
    for (const socket of idle) socket.resume()
    for (let n = 0; n < 3; n++) expect(await exchange(request('status'))).toEqual([{ version: 1, id: 1, value: null }])
    await expect.poll(() => idle.filter(({ destroyed }) => destroyed).length).toBe(3)
  })

  it('beyond the thirty-second that asked for something is told that there are too many, and ended', async () => {
    await listen({})
    for (let n = 0; n < 32; n++) await exchange(request('status'))
    const socket = await open()
    const lines: string[] = []
    for await (const line of readLines(socket, 1_000)) lines.push(line)
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { version: 1, id: 0, error: { code: 'busy', message: 'too many programs are connected to the control socket' } }
    ])
    // More than are told so are cut off.
    const more = await Promise.all(Array.from({ length: 60 }, open))
    for (const one of more) one.resume()
    await expect.poll(() => sockets.filter(({ destroyed }) => !destroyed).length, { timeout: 5_000 }).toBe(32)
  })

  it('follows events only where places for other programs are left', async () => {
    await listen({})
    const answered: string[] = []
    for (let n = 0; n < 40; n++) {
      const socket = await open()
      socket.on('data', (chunk) => answered.push(String(chunk)))
      socket.write(`${request('events', [{ follow: true }])}\n`)
    }
    await expect.poll(() => answered).toHaveLength(16)
    await expect.poll(() => sockets.filter(({ destroyed }) => !destroyed).length).toBe(24)
    expect(JSON.parse(answered[0] ?? '')).toMatchObject({
      id: 1,
      error: { code: 'busy', message: 'too many programs follow events: at most 24 may' }
    })
    expect(await exchange(request('status'))).toEqual([{ version: 1, id: 1, value: null }])
  })

  it('follows events once', async () => {
    let subscribed = 0
    const subscribe = () => {
      subscribed++
      return () => undefined
    }
    await listen({ events: { recent: () => [], subscribe } })
    const follow = request('events', [{ follow: true }])
    const socket = await open()
    const answers = readLines(socket, 10_000)
    socket.write(`${follow}\n${follow}\n`)
    expect(JSON.parse((await answers.next()).value ?? '')).toMatchObject({
      id: 1,
      error: { code: 'invalid-request', message: 'events.follow: this connection follows already' }
    })
    expect(subscribed).toBe(1)
  })

  it('that asks for past events again and again and reads none waits', async () => {
    let asked = 0
    const recent = () => {
      asked++
      return Array.from({ length: 100 }, () => ({ type: 'large', detail: 'x'.repeat(20_000), at: 0 }))
    }
    await listen({ events: { recent, subscribe: () => () => undefined } })
    const socket = await open()
    socket.pause()
    socket.write(`${request('events')}\n`.repeat(100))
    await expect.poll(() => asked).toBe(1)
    await sleep(100)
    expect(asked).toBe(1)
  })

  it('that follows and reads none is closed by past events, too', async () => {
    let stopped = false
    const recent = () => Array.from({ length: 200 }, () => ({ type: 'large', detail: 'x'.repeat(20_000), at: 0 }))
    const subscribe = () => () => {
      stopped = true
    }
    await listen({ events: { recent, subscribe } })
    const socket = await open()
    socket.pause()
    socket.write(`${request('events', [{ follow: true }])}\n`)
    await expect.poll(() => stopped).toBe(true)
  })

  it('may leave sixteen requests going on after their deadline', async () => {
    await listen({ call: () => new Promise(() => undefined) }, { verbMs: 2 })
    const answers = await exchange(...Array.from({ length: 17 }, (_, i) => request('slow', [], i)))
    expect(answers.map(({ error }) => Reflect.get(Object(error), 'code'))).toEqual([...Array(16).fill('no-answer'), 'busy'])
  })

  it('that follows events and reads none is closed instead of filling memory', async () => {
    let tell: (event: ControlEvent) => void = () => undefined
    let stopped = false
    await listen({
      events: {
        recent: () => [],
        subscribe: (listener) => {
          tell = listener
          return () => {
            stopped = true
          }
        }
      }
    })
    const socket = await open()
    socket.pause()
    const before = tell
    socket.write(`${request('events', [{ follow: true }])}\n`)
    await expect.poll(() => tell).not.toBe(before)
    for (let sent = 0; !stopped && sent < 400; sent++) {
      tell({ type: 'large', detail: 'x'.repeat(100_000), at: 0 })
      await sleep(0)
    }
    expect(stopped).toBe(true)
  })
})

it('a file at the place of the socket is left alone', async () => {
  await writeFile(join(folder.path, 's'), 'mine')
  await expect(listen({})).rejects.toThrow('expected a socket or nothing, found something else')
})

describe('the verbs of a real peer', () => {
  let peer: NodePeer

  beforeEach(async () => {
    peer = await createNodePeer({ network: 'test', listen: [], minConnections: 0, expectedConnections: 0, maxConnections: 1 })
    await listen(controlOf(peer, { folder: folder.path, http: undefined, control: () => undefined, startedAt: 0 }))
  })

  afterEach(() => peer.stop())

  it.each([
    ['constructor', [], 'verb: expected events, log, metrics, recording, snapshot, status or a method of the pool, got "constructor"'],
    ['stop', [], 'got "stop"'],
    ['peers.constructor', [], 'got "peers.constructor"'],
    ['send', [], 'send: expected a verb that takes JSON alone'],
    ['peers.watch', [], 'expected a verb that takes JSON alone'],
    ['snapshot', [['secrets']], "snapshot[0]: expected 'status' or"],
    ['snapshot', [], 'snapshot: expected an array, got undefined'],
    ['setBand', [{ min: 3, expected: 2, max: 1 }], 'band'],
    ['peers.ban', ['nobody'], 'expected a libp2p peer id such as 12D3KooW'],
    ['points.banRange', ['everything'], 'everything'],
    ['log', ['a(b+)+c'], 'log: expected names such as p2p-pool:* with commas in between, got "a(b+)+c"'],
    ['log', [], 'log: expected a text, got undefined'],
    ['events', [{ follow: 1 }], 'events.follow: expected true or false, got 1']
  ])('%s with %j is refused with what was expected', async (verb, args, message) => {
    const [answer] = await exchange(request(verb, args))
    expect(answer).toMatchObject({ id: 1, error: { message: expect.stringContaining(message) } })
  })

  it('any method of the pool that takes and returns JSON can be called by its name', async () => {
    const answers = await exchange(
      request('greylistAddress', ['192.0.2.1'], 1),
      request('points.isBanned', ['/ip4/192.0.2.1/tcp/1'], 2),
      request('listKnownPoints', [{ ignorePrivate: false }], 3),
      request('registerPoint', ['/ip4/192.0.2.2/tcp/4001'], 4),
      request('points.info', ['/ip4/192.0.2.2/tcp/4001'], 5)
    )
    expect(answers.map(({ value, error }) => value ?? error ?? null)).toEqual([
      null,
      true,
      [],
      null,
      expect.objectContaining({ point: '/ip4/192.0.2.2/tcp/4001' })
    ])
  })
})
