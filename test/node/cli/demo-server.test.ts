import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
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
