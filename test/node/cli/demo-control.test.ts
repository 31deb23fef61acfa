/** Who may break the demo: a page that its own server served, on this machine or in its network. */
import { request } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type BreakKind, type BreakReport, Busy, controlEndpoint, tokenHeader, whyForeign } from '../../../node/cli/demo-control.ts'
import { type PageFiles, serveFiles } from '../../../node/cli/demo-server.ts'

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

async function serve(
  breakNow: (kind: BreakKind) => Promise<BreakReport> = async (kind) => ({ kind, killed: [], mendsInMs: 1, liar: null })
) {
  let now = 0
  const endpoint = controlEndpoint({ breakNow, now: () => now })
  const files: PageFiles = new Map([['/break.json', { endpoint }]])
  const server = await serveFiles(files, 0)
  onTestFinished(() => server.close())
  const { host, port } = new URL(server.url)
  /** Not `fetch`, which writes the headers Host and Origin itself. */
  const ask = ({ method = 'GET', headers = {}, body = '' }: Asked = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path: '/break.json', method, headers: { host, ...headers } }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => {
          text += part
        })
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: response.headers['content-type']?.includes('json') ? JSON.parse(text) : { problem: text }
          })
        )
      })
      asked.on('error', reject)
      asked.end(body)
    })
  const { body } = await ask()
  const good = { origin: `http://${host}`, [tokenHeader]: String(body.token) }
  const post = (headers: Readonly<Record<string, string>> = good, kind: unknown = { kind: 'relay' }): Promise<Answer> =>
    ask({ method: 'POST', headers, body: typeof kind === 'string' ? kind : JSON.stringify(kind) })
  return { ask, post, good, host, port, pass: (ms: number) => (now += ms) }
}

describe('the control endpoint of the demo', () => {
  test('gives its own page a token, and breaks what the page asks for', async () => {
    const asked: BreakKind[] = []
    const { ask, post } = await serve(async (kind) => {
      asked.push(kind)
      return { kind, killed: [], mendsInMs: 4_000, liar: null }
    })
    expect((await ask()).body).toMatchObject({
      token: expect.stringMatching(/^[0-9a-f]{64}$/),
      kinds: expect.arrayContaining(['relay', 'half', 'liar', 'stop-servers', 'start-servers'])
    })
    expect(await post()).toEqual({ status: 200, body: { kind: 'relay', killed: [], mendsInMs: 4_000, liar: null } })
    expect(asked).toEqual(['relay'])
  })

  test.each([
    ['a name that leads here (DNS rebinding)', { host: 'attacker.example' }],
    ['that name with our port', { host: 'attacker.example:80' }],
    ['another address of this machine', { host: '127.0.0.2' }],
    ['another website', { origin: 'https://attacker.example' }],
    ['a sandboxed frame', { origin: 'null' }],
    ['another program on this machine', { origin: 'http://127.0.0.1:1' }],
    ['our origin over https', { origin: 'https://127.0.0.1' }],
    ['a link or picture in another website', { 'sec-fetch-site': 'cross-site' }],
    ['another port of this host', { 'sec-fetch-site': 'same-site' }],
    ['a person who types the address', { 'sec-fetch-site': 'none' }]
  ])('gives no token and breaks nothing for %s', async (_, headers) => {
    let broken = 0
    const { ask, post, good, port } = await serve(async (kind) => {
      broken += 1
      return { kind, killed: [], mendsInMs: 1, liar: null }
    })
    const named = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, name === 'host' && !value.includes(':') ? `${value}:${port}` : value])
    )
    const answer = await ask({ headers: named })
    const status = 'host' in headers ? 421 : 403
    expect(answer).toEqual({ status, body: { problem: expect.any(String) } })
    expect((await post({ ...good, ...named })).status).toBe(status)
    expect(broken).toBe(0)
  })

  test('breaks nothing without the token, with another one, or without an origin', async () => {
    const { post, good } = await serve()
    const { origin, ...token } = good
    expect((await post({ origin })).status).toBe(401)
    expect((await post({ ...good, [tokenHeader]: '0'.repeat(64) })).status).toBe(401)
    expect((await post(token)).status).toBe(403)
  })

  test.each([
    ['a kind that is none', { kind: 'everything' }],
    ['a name of all objects', { kind: 'constructor' }],
    ['a list', ['relay']],
    ['no JSON', 'relay'],
    ['nothing', ''],
    ['a long body', JSON.stringify({ kind: 'relay', more: 'x'.repeat(10_000) })]
  ])('breaks nothing for %s', async (_, body) => {
    const { post, good } = await serve()
    expect((await post(good, body)).status).toBe(400)
  })

  test('takes neither a PUT nor a DELETE', async () => {
    const { ask, good } = await serve()
    for (const method of ['PUT', 'DELETE']) expect((await ask({ method, headers: good })).status).toBe(405)
  })

  test('breaks five things at once, and one each two seconds after that', async () => {
    const { post, pass } = await serve()
    const statuses = async (times: number): Promise<number[]> => {
      const all: number[] = []
      for (let time = 0; time < times; time++) all.push((await post()).status)
      return all
    }
    expect(await statuses(7)).toEqual([200, 200, 200, 200, 200, 429, 429])
    pass(2_000)
    expect(await statuses(2)).toEqual([200, 429])
    pass(60_000)
    expect(await statuses(6)).toEqual([200, 200, 200, 200, 200, 429])
  })

  test('says that something is broken already, and what went wrong', async () => {
    const errors = [new Busy('something is broken already'), new Error('no port is free')]
    const { post } = await serve(() => Promise.reject(errors.shift()))
    expect(await post()).toEqual({ status: 409, body: { problem: 'something is broken already' } })
    expect(await post()).toEqual({ status: 500, body: { problem: 'no port is free' } })
  })
})

describe('a request is from a page of this server', () => {
  const local = { localAddress: '192.168.1.20', localPort: 8_080, remoteAddress: '192.168.1.7' }
  test.each([
    ['a phone in the local network', { host: '192.168.1.20:8080' }, local],
    ['the default port, which is not written', { host: '192.168.1.20' }, { ...local, localPort: 80 }],
    ['the loopback by its name', { host: 'localhost:8080' }, { ...local, localAddress: '127.0.0.1', remoteAddress: '127.0.0.1' }],
    ['IPv6', { host: '[::1]:8080' }, { ...local, localAddress: '::1', remoteAddress: '::1' }],
    [
      'IPv4 on a socket of IPv6',
      { host: '127.0.0.1:8080' },
      { ...local, localAddress: '::ffff:127.0.0.1', remoteAddress: '::ffff:127.0.0.1' }
    ]
  ])('%s', (_, headers, socket) => {
    expect(whyForeign({ headers, socket })).toBeUndefined()
  })

  test('at a public address that was given with --host, from anywhere, but only by that address', () => {
    const socket = { localAddress: '192.0.2.2', localPort: 8_080, remoteAddress: '203.0.114.9' }
    const headers = { host: '192.0.2.2:8080', origin: 'http://192.0.2.2:8080' }
    for (const remoteAddress of ['203.0.114.9', '192.0.2.2'])
      expect(whyForeign({ headers, socket: { ...socket, remoteAddress } }, '192.0.2.2')).toBeUndefined()
    expect(whyForeign({ headers, socket })).toEqual(expect.any(String))
    expect(whyForeign({ headers, socket: local }, '192.0.2.2')).toEqual(expect.any(String))
    expect(whyForeign({ headers: { ...headers, origin: 'http://evil.example' }, socket }, '192.0.2.2')).toEqual(expect.any(String))
    expect(whyForeign({ headers: { host: 'evil.example:8080' }, socket }, '192.0.2.2')).toEqual(expect.any(String))
    // A private address is open to its network alone.
    const inside = { ...local, remoteAddress: '203.0.114.9' }
    expect(whyForeign({ headers: { host: '192.168.1.20:8080' }, socket: inside }, '192.168.1.20')).toEqual(expect.any(String))
  })

  test.each([
    ['a public address', { host: '192.168.1.20:8080' }, { ...local, remoteAddress: '203.0.114.9' }],
    ['a socket that is gone', { host: '192.168.1.20:8080' }, { ...local, remoteAddress: undefined }],
    ['no Host', {}, local],
    ['another port', { host: '192.168.1.20:8081' }, local],
    ['user and password before the address', { host: 'a:b@192.168.1.20:8080' }, local],
    ['localhost in the local network', { host: 'localhost:8080' }, local],
    ['the address spelled as a number', { host: '3232235796:8080' }, local]
  ])('not %s', (_, headers, socket) => {
    expect(whyForeign({ headers, socket })).toEqual(expect.any(String))
  })
})
