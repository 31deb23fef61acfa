/** Health over HTTP: what it answers, to whom, and what programs that ask for nothing can do. */
import dns from 'node:dns'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type HttpServer, readHttpAddress, serveHealth } from '../../../node/command/http-health.ts'
import type { PoolSnapshot } from '../../../node/index.ts'
import { maintenanceBounds } from '../../../node/index.ts'
import { idleSockets } from './running.ts'

const band = { min: 10, expected: 50, max: 100 }
const snapshot = (active: number, status = 'running') =>
  ({ active, status, band, bounds: maintenanceBounds(band), network: 'test' }) as PoolSnapshot

describe('health over HTTP', () => {
  let server: HttpServer | undefined

  afterEach(async () => {
    await server?.close()
    server = undefined
  })

  it('is 200 in the band, 206 while it fills, 503 below the minimum', async () => {
    let active = 50
    server = await serveHealth(() => snapshot(active), { host: '127.0.0.1', port: 0 })
    const asked = async (): Promise<[number, string]> => {
      const response = await fetch(`${server?.url}/health`)
      return [response.status, ((await response.json()) as { health: string }).health]
    }
    expect(await asked()).toEqual([200, 'in-band'])
    active = 12
    expect(await asked()).toEqual([206, 'filling'])
    active = 3
    expect(await asked()).toEqual([503, 'below-minimum'])
    expect((await fetch(`${server.url}/ready`)).status).toBe(200)
  })

  it('knows no other path and no other method', async () => {
    server = await serveHealth(() => snapshot(50), { host: '127.0.0.1', port: 0 })
    expect((await fetch(`${server.url}/`)).status).toBe(404)
    expect((await fetch(`${server.url}/health`, { method: 'POST' })).status).toBe(405)
    expect((await fetch(`${server.url}/health`, { method: 'HEAD' })).status).toBe(200)
  })

  it('serves the metrics where there are some, and says when they fail', async () => {
    const contentType = 'text/plain; version=0.0.4; charset=utf-8'
    let read = (): Promise<string> => Promise.resolve('a 1\n')
    server = await serveHealth(() => snapshot(50), { host: '127.0.0.1', port: 0 }, { contentType, read: () => read() })
    const response = await fetch(`${server.url}/metrics?of=all`)
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([200, contentType, 'a 1\n'])
    expect(await (await fetch(`${server.url}/metrics`, { method: 'HEAD' })).text()).toBe('')
    expect((await fetch(`${server.url}/metrics`, { method: 'POST' })).status).toBe(405)
    read = () => Promise.reject(new Error('secret'))
    const failed = await fetch(`${server.url}/metrics`)
    expect([failed.status, await failed.text()]).toEqual([500, '{"error":"the metrics cannot be collected"}\n'])
    await server.close()
    server = await serveHealth(() => snapshot(50), { host: '127.0.0.1', port: 0 })
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404)
  })

  it.each([
    ['localhost', 200],
    ['127.0.0.1:99', 200],
    ['[::1]', 200],
    ['rebound.example.org', 403],
    ['192.0.2.1', 403]
  ])('on the loopback a request for the host %s gets %i', async (host, status) => {
    server = await serveHealth(() => snapshot(50), { host: '127.0.0.1', port: 0 })
    const got = await new Promise((resolve, reject) => {
      const asked = request(`${server?.url}/health`, { headers: { host } }, (response) => resolve(response.resume().statusCode))
      asked.on('error', reject)
      asked.end()
    })
    expect(got).toBe(status)
  })

  it('a name that leads to the loopback is the loopback', async () => {
    // How many addresses are asked for depends on the version of Node.
    const mine = (...given: unknown[]): void => {
      const found = given.at(-1) as (...result: unknown[]) => void
      if (Reflect.get(Object(given[1]), 'all') === true) found(null, [{ address: '127.0.0.1', family: 4 }])
      else found(null, '127.0.0.1', 4)
    }
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(mine as unknown as typeof dns.lookup)
    server = await serveHealth(() => snapshot(50), { host: 'mine.example.org', port: 0 })
    expect(lookup).toHaveBeenCalledOnce()
    lookup.mockRestore()
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:/)
    const got = await new Promise((resolve, reject) => {
      const headers = { host: 'mine.example.org' }
      request(`${server?.url}/health`, { headers }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end()
    })
    expect(got).toBe(403)
  })

  it('connections that ask for nothing keep nobody out, and end after a while', async () => {
    server = await serveHealth(() => snapshot(50), { host: '127.0.0.1', port: 0 })
    const port = Number(new URL(server.url).port)
    const idle = await idleSockets(port, 80)
    expect((await fetch(`${server.url}/ready`)).status).toBe(200)
    await expect.poll(() => idle.filter(({ destroyed }) => !destroyed).length, { timeout: 8_000 }).toBe(0)
  }, 15_000)

  const open = async (text: string): Promise<Socket> => {
    const socket = connect(Number(new URL(server?.url ?? '').port), '127.0.0.1')
    socket.on('error', () => socket.destroy())
    await once(socket, 'connect')
    socket.write(text)
    return socket
  }

  it('a request to change protocols is refused, also if its socket is reset, and keeps nothing open', async () => {
    server = await serveHealth(() => snapshot(50), { host: '127.0.0.1', port: 0 })
    const asking = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    const [reset, left, ...others] = await Promise.all(Array.from({ length: 100 }, () => open(asking)))
    reset?.resetAndDestroy()
    left?.destroy()
    await expect.poll(() => others.filter((socket) => !socket.resume().destroyed).length, { timeout: 5_000 }).toBe(0)
    expect((await fetch(`${server.url}/ready`)).status).toBe(200)
    await open(asking)
    await server.close()
  }, 15_000)

  it('a program that sends many requests and reads no answer holds no memory', async () => {
    let reads = 0
    const read = async (): Promise<string> => `${'x'.repeat(40_000)}${++reads}`
    server = await serveHealth(() => snapshot(50), { host: '127.0.0.1', port: 0 }, { contentType: 'text/plain', read })
    const greedy = await open('GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(1_000))
    greedy.pause()
    await expect.poll(async () => (await fetch(`${server?.url}/ready`)).status).toBe(200)
    greedy.resume()
    await expect.poll(() => greedy.destroyed, { timeout: 5_000 }).toBe(true)
    expect(reads).toBeLessThanOrEqual(1)
  }, 15_000)

  it('the address is a port, on the loopback, or a host and a port', () => {
    expect(readHttpAddress('8700')).toEqual({ host: '127.0.0.1', port: 8700 })
    expect(readHttpAddress('0.0.0.0:8700')).toEqual({ host: '0.0.0.0', port: 8700 })
    expect(readHttpAddress('[::1]:8700')).toEqual({ host: '::1', port: 8700 })
    for (const wrong of ['', 'x', '70000', '1:2:3', ':80'])
      expect(() => readHttpAddress(wrong)).toThrow('--http: expected PORT or HOST:PORT')
  })
})
