import { createHash } from 'node:crypto'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { hostname } from 'node:os'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { buildPage, type PageFiles, servePage } from '../../../node/cli/demo-server.ts'

const settings = { network: 'test', trustedPoints: ['/ip4/127.0.0.1/tcp/4001/ws'], band: { min: 1, expected: 2, max: 3 } }
const files: PageFiles = new Map([['/', { type: 'text/html; charset=utf-8', body: '<p>page' }]])

async function serve(served: PageFiles = files, port = 0) {
  const server = await servePage(served, { settings, port })
  onTestFinished(() => server.close())
  return server
}

describe('the server of the page', () => {
  test('gives the page and the settings it asks for', async () => {
    const { url } = await serve()
    const page = await fetch(`${url}?name=second`)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await page.text()).toBe('<p>page')
    expect(await (await fetch(`${url}demo.json`)).json()).toEqual({ ...settings, address: null })
  })

  test('tells at each request how many relay reservations are left, or that it knows of no relay', async () => {
    const { url } = await serve()
    expect(await (await fetch(`${url}reservations.json`)).json()).toBeNull()
    let left = 9
    const server = await servePage(files, { settings, reservations: () => ({ relay: 'id', max: 9, left: --left }), port: 0 })
    onTestFinished(() => server.close())
    for (const expected of [8, 7]) {
      expect(await (await fetch(`${server.url}reservations.json`)).json()).toEqual({ relay: 'id', max: 9, left: expected })
    }
  })

  test('listens on the loopback only', async () => {
    expect(new URL((await serve()).url).hostname).toBe('127.0.0.1')
  })

  test('with a host it is at the same port there, too, and says so', async () => {
    const server = await servePage(files, { settings, port: 0, host: '127.0.0.1' })
    onTestFinished(() => server.close())
    expect(server.address).toBe(server.url)
    expect(await (await fetch(`${server.url}demo.json`)).json()).toEqual({ ...settings, address: server.url })
    await expect(servePage(files, { settings, port: 0, host: '192.0.2.77' })).rejects.toThrow('192.0.2.77 is no address of this machine')
  })

  /** Not `fetch`, which writes the header Host itself. */
  const statusFor = (url: string, host: string, path = '/demo.json'): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = request(`${url.slice(0, -1)}${path}`, { headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      asked.on('error', reject).end()
    })

  test('answers under its own names alone, whatever is asked for', async () => {
    const { url } = await serve()
    const { port } = new URL(url)
    for (const name of ['127.0.0.1', 'localhost', 'LocalHost', hostname(), `${hostname().split('.')[0]}.local`])
      expect(await statusFor(url, `${name}:${port}`), name).toBe(200)
    for (const name of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '127.0.0.2',
      '[::1]',
      '0.0.0.0',
      '2130706433',
      'x@127.0.0.1',
      '192.0.2.1'
    ])
      for (const path of ['/', '/demo.json', '/reservations.json', '/break.json', '/nothing'])
        expect(await statusFor(url, `${name}:${port}`, path), `${name}${path}`).toBe(421)
    for (const host of ['evil.example', '127.0.0.1', `127.0.0.1:${Number(port) + 1}`]) expect(await statusFor(url, host), host).toBe(421)
  })

  test('says what to open where it is asked under another name', async () => {
    const { url } = await serve()
    const said = await new Promise<string>((resolve, reject) => {
      request(url, { headers: { host: 'evil.example' } }, (response) =>
        resolve(
          response
            .setEncoding('utf8')
            .toArray()
            .then((all) => all.join(''))
        )
      )
        .on('error', reject)
        .end()
    })
    expect(said).toMatch(/^The demo does not answer under this name\. Open the address/)
  })

  test('lets no website show it in a frame, and no foreign script run in it, whatever it answers', async () => {
    const html = { type: 'text/html; charset=utf-8', body: '<script>here()</script><script type="module" src="./a.js"></script>' }
    const { url } = await serve(new Map([['/', html]]))
    for (const [path, method] of [
      ['', 'GET'],
      ['demo.json', 'GET'],
      ['nothing', 'GET'],
      ['', 'POST'],
      ['', 'HEAD']
    ] as const) {
      const { headers } = await fetch(`${url}${path}`, { method })
      const policy = headers.get('content-security-policy')
      expect(policy, path).toContain("frame-ancestors 'none'")
      expect(policy, path).toContain('connect-src *')
      expect(policy, path).not.toMatch(/script-src[^;]*(unsafe|\*)/)
      expect(headers.get('x-frame-options'), path).toBe('DENY')
    }
    const hash = createHash('sha256').update('here()').digest('base64')
    expect((await fetch(url)).headers.get('content-security-policy')).toContain(`script-src 'self' 'sha256-${hash}'`)
  })

  test('stays open to others, however many idle connections there are, and keeps few of them', async () => {
    const { url } = await serve()
    const port = Number(new URL(url).port)
    let open = 0
    const idle = Array.from({ length: 300 }, () => {
      const socket = connect(port, '127.0.0.1', () => (open += 1))
      return socket.on('error', () => undefined).on('close', () => (open -= 1))
    })
    onTestFinished(() => idle.forEach((socket) => void socket.destroy()))
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))))
    expect((await fetch(url)).status).toBe(200)
    await vi.waitFor(() => expect(open).toBeLessThanOrEqual(128))
    expect((await fetch(url)).status).toBe(200)
  })

  test('has nothing but what was built, whatever path is asked for, and takes nothing', async () => {
    const { url } = await serve()
    for (const path of ['nothing.js', '..%2fpackage.json', '../package.json', '%', 'constructor']) {
      expect((await fetch(`${url}${path}`)).status, path).toBe(404)
    }
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405)
  })

  test('a taken port is named, with what to do', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    await expect(servePage(files, { settings, port })).rejects.toThrow(
      `port ${port} of 127.0.0.1 is taken by another program; choose another one with --port`
    )
  })

  test('the page is built whole: each file that it names is there', async () => {
    const { url } = await serve(await buildPage())
    const html = await (await fetch(url)).text()
    const named = [...html.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, path]) => path ?? '')
    expect(named.length).toBeGreaterThan(1)
    for (const path of named) {
      const answer = await fetch(`${url}${path}`)
      expect(answer.status, path).toBe(200)
      expect(answer.headers.get('content-type'), path).toMatch(/^text\/(javascript|css)/)
    }
  })
})
