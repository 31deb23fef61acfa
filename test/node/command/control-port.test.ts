/** The control port over TCP: the command with its token gets in, and nobody else: not other programs, not a page in a real browser. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { lstat, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../../support/browsers.ts'
import { addressOf } from '../pages.ts'
import {
  command,
  endOf,
  idleSockets,
  loopback,
  type NodeProcess,
  spawned,
  startNode,
  type TemporaryFolder,
  temporaryFolder
} from './running.ts'

let folder: TemporaryFolder
let running: NodeProcess
let port: number
let token: string

/** The command over TCP. */
const over = (...args: readonly string[]) => command([...args, '--data', folder.path, '--control', String(port)])

beforeAll(async () => {
  folder = await temporaryFolder()
  running = await startNode(folder.path, '--control', '127.0.0.1:0', '--band', '0,0,4', ...loopback)
  port = Number(running.started.control?.split(':')[1])
  token = (await readFile(join(folder.path, 'control.token'), 'utf8')).trim()
})

afterAll(async () => {
  if (running !== undefined) await endOf(running.child, 'SIGKILL')
  await folder?.remove()
})

/** What a stranger would change: whom the peer keeps out. */
async function bannedHosts(): Promise<unknown> {
  const { text } = await command(['bans', '--json', '--data', folder.path])
  return JSON.parse(text).blocks
}

const proper = {
  host: '127.0.0.1',
  connection: 'Upgrade',
  upgrade: 'p2p-pool-control'
}

/** The status of an answer: 101 is in. */
function ask(headers: Readonly<Record<string, string>>, { method = 'GET', path = '/control' } = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path, headers })
    asked.once('error', reject)
    asked.once('response', (response) => resolve(response.resume().statusCode))
    asked.once('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response.statusCode)
    })
    asked.end()
  })
}

describe('the control port', () => {
  it('is in status, with a token in the data folder that is for the user alone', async () => {
    expect(running.started.control).toMatch(/^127\.0\.0\.1:\d+$/)
    const { mode } = await lstat(join(folder.path, 'control.token'))
    expect((mode & 0o777).toString(8)).toBe('600')
    expect(token).toMatch(/^[0-9a-f]{64}$/)
  })

  it('serves every verb to the command', async () => {
    expect(await over('ban', '192.0.2.1')).toMatchObject({ status: 0, complaint: '' })
    expect(await bannedHosts()).toMatchObject([{ host: '::ffff:192.0.2.1' }])
    expect((await over('unban', '192.0.2.1')).status).toBe(0)
    expect((await over('health')).text).toMatch('in the band')
    expect(JSON.parse((await over('events', '--json')).text.split('\n')[0] ?? '')).toMatchObject({ version: 1 })
  })

  it('takes the token, the loopback by its names, and no origin', async () => {
    const authorization = `Bearer ${token}`
    expect(await ask({ ...proper, authorization })).toBe(101)
    expect(await ask({ ...proper, authorization, host: `localhost:${port}` })).toBe(101)
    expect(await ask({ ...proper, authorization, host: `rebound.example.org:${port}` })).toBe(403)
    expect(await ask({ ...proper, authorization, host: `192.0.2.1:${port}` })).toBe(403)
    expect(await ask({ ...proper, authorization, origin: 'http://127.0.0.1' })).toBe(403)
    expect(await ask({ ...proper, authorization, origin: 'null' })).toBe(403)
    expect(await ask({ ...proper, authorization, upgrade: 'websocket' })).toBe(426)
    expect(await ask({ ...proper, authorization }, { path: '/' })).toBe(426)
    expect(await ask({ ...proper, authorization }, { method: 'POST' })).toBe(426)
    expect(await ask({ host: '127.0.0.1', authorization })).toBe(426)
    for (const wrong of ['', 'Bearer', `Bearer ${'0'.repeat(64)}`, `Basic ${token}`, `Bearer ${token}0`])
      expect(await ask({ ...proper, authorization: wrong }), wrong).toBe(401)
  })

  it('asks for the token before it reads a line', async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(`${JSON.stringify({ version: 1, id: 1, verb: 'points.banHost', args: ['192.0.2.66'] })}\n`)
    socket.resume()
    await once(socket, 'close')
    expect(await bannedHosts()).toEqual([])
  })

  it('is not kept busy by connections that show nothing', async () => {
    const idle = await idleSockets(port, 80)
    expect((await over('status')).status).toBe(0)
    for (const socket of idle) socket.destroy()
  })

  it('is not asked with a token of another run, nor without one', async () => {
    const other = await temporaryFolder()
    const at = ['status', '--data', other.path, '--control', String(port)]
    expect(await command(at)).toMatchObject({ status: 2, complaint: expect.stringMatching('no peer on that folder listens for control') })
    await writeFile(join(other.path, 'control.token'), `${'0'.repeat(64)}\n`, { mode: 0o600 })
    expect(await command(at)).toMatchObject({ status: 1, complaint: expect.stringMatching('takes another token than that in') })
    await rm(join(other.path, 'control.token'))
    await promisify(execFile)('mkfifo', ['-m', '600', join(other.path, 'control.token')])
    expect(await command(at)).toMatchObject({ status: 1, complaint: expect.stringMatching('should be a file, but it is a pipe') })
    await other.remove()
  })

  it('where nobody listens: exit status 2, with the address', async () => {
    expect(await command(['status', '--data', folder.path, '--control', '127.0.0.1:1'])).toMatchObject({
      status: 2,
      complaint: expect.stringMatching('no peer listens for control at 127.0.0.1:1: name the address')
    })
  })

  const upgraded = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: p2p-pool-control\r\n\r\n'
  it.each([
    ['resets the connection', (socket: Socket) => socket.resetAndDestroy(), 1, 'cannot reach the peer at HOST: read ECONNRESET'],
    ['ends the connection', (socket: Socket) => socket.end(), 1, 'cannot reach the peer at HOST: socket hang up'],
    ['does not speak HTTP', (socket: Socket) => socket.write('hello\r\n'), 1, 'cannot reach the peer at HOST: Parse Error'],
    ['is no peer', (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'), 1, '--control: who listens at HOST takes no request'],
    ['says nothing', () => undefined, 4, 'cannot reach the peer at HOST: no answer within 1000 ms'],
    ['lets it in and says nothing', (socket: Socket) => socket.write(upgraded), 4, 'the peer did not answer status within 1000 ms'],
    ['lets it in and ends', (socket: Socket) => socket.end(upgraded), 2, 'the peer ended or closed the connection before status was done']
  ] as const)('where somebody listens that %s, a verb ends with a sentence about it', async (_, answer, status, complaint) => {
    const stranger = createTcpServer((socket) => {
      socket.on('error', () => socket.destroy())
      socket.once('data', () => answer(socket))
    })
    await once(stranger.listen(0, '127.0.0.1'), 'listening')
    const host = `127.0.0.1:${(stranger.address() as AddressInfo).port}`
    const result = await command(['status', '--data', folder.path, '--control', host, '--timeout', '1'])
    stranger.close()
    expect(result).toMatchObject({ status, text: '', complaint: expect.stringContaining(complaint.replace('HOST', host)) })
  })

  it.each(['0.0.0.0:4003', '192.0.2.1:4003', 'example.org:4003', '[::]:4003'])(
    'is on the loopback alone: %s is refused',
    async (address) => {
      for (const verb of [['node', '--network', 'test'], ['status']])
        expect(await command([...verb, '--data', folder.path, '--control', address])).toMatchObject({
          status: 64,
          complaint: expect.stringMatching('--control: expected a host of the loopback such as 127.0.0.1')
        })
    }
  )
})

describe('a page in a browser', () => {
  let pages: Server
  let browser: Browser

  beforeAll(async () => {
    pages = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>a website</title>'))
    await once(pages.listen(0, '127.0.0.1'), 'listening')
    browser = await launchBrowser()
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    pages?.close()
  })

  /** It even knows the token, which no page can read. */
  it('changes nothing: not by fetch, not by a WebSocket, not by a form, whatever it knows', async () => {
    const page = await browser.newPage()
    await page.goto(addressOf(pages))
    const line = `${JSON.stringify({ version: 1, id: 1, verb: 'points.banHost', args: ['192.0.2.99'] })}\n`
    const ways = await page.evaluate(
      async ({ port, token, line }) => {
        const url = `http://127.0.0.1:${port}/control`
        const headers = { authorization: `Bearer ${token}`, upgrade: 'p2p-pool-control', connection: 'Upgrade' }
        const trying = (init: RequestInit) =>
          fetch(url, init).then(
            ({ type, status }) => `${type} ${status}`,
            ({ name }) => String(name)
          )
        const socket = (protocols: string[]) =>
          new Promise<string>((resolve) => {
            const made = new WebSocket(`ws://127.0.0.1:${port}/control`, protocols)
            made.onopen = () => {
              made.send(line)
              resolve('open')
            }
            made.onerror = () => resolve('error')
          })
        return [
          await trying({}),
          await trying({ headers }),
          await trying({ mode: 'no-cors' }),
          await trying({ mode: 'no-cors', headers }),
          await trying({ method: 'POST', body: line, headers }),
          await trying({ method: 'POST', body: `\n${line}\n`, mode: 'no-cors' }),
          await trying({ method: 'POST', body: line, mode: 'no-cors', headers, credentials: 'include' }),
          await socket([]),
          await socket(['p2p-pool-control', token])
        ]
      },
      { port, token, line }
    )
    // `opaque`: it was sent, and the page sees nothing of the answer.
    expect(ways.filter((way) => !/^(TypeError|opaque 0|error)$/.test(way))).toEqual([])
    for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'] as const) {
      const page = await browser.newPage()
      await page.goto(addressOf(pages))
      await page.setContent(
        `<form method="post" enctype="${type}" action="http://127.0.0.1:${port}/control"><textarea name="a"></textarea></form>`
      )
      await page.fill('textarea', `\n${line}`)
      const [answer] = await Promise.all([
        page.waitForResponse(`http://127.0.0.1:${port}/control`),
        page.evaluate(() => document.forms[0]?.submit())
      ])
      expect(answer.status()).toBe(426)
      await page.close()
    }
    expect(await bannedHosts()).toEqual([])
    // The same line, sent by a program with the token, does its work.
    expect((await over('ban', '192.0.2.99')).status).toBe(0)
    expect(await bannedHosts()).toMatchObject([{ host: '::ffff:192.0.2.99' }])
    await page.close()
  }, 60_000)
})

it('the token goes with the peer', async () => {
  expect(await endOf(running.child, 'SIGTERM')).toBe(0)
  await expect(lstat(join(folder.path, 'control.token'))).rejects.toThrow('ENOENT')
})

it('a port that is taken is one clear sentence', async () => {
  const taken = createServer()
  await once(taken.listen(0, '127.0.0.1'), 'listening')
  const address = new URL(addressOf(taken)).port
  const { status, complaint } = await spawned('node', '--network', 'test', '--data', folder.path, '--control', address, ...loopback)
  taken.close()
  expect({ status, complaint }).toEqual({ status: 1, complaint: 'p2p-pool: --control: cannot listen: another program listens there\n' })
})
