/** The servers of the examples, each a process of its own, among requests that no browser makes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { linkCheckout } from '../../../../examples/link-checkout.ts'

it.concurrent.each(['shared-text/server.ts', 'react-page/server.ts', 'light-client/serve.ts'])(
  '%s refuses paths that are none, and runs on',
  async (file) => {
    linkCheckout()
    const path = fileURLToPath(new URL(`../../../../examples/${file}`, import.meta.url))
    const server = spawn(process.execPath, [path, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void server.kill('SIGKILL'))
    const [said] = (await once(server.stdout, 'data')) as [Buffer]
    const port = /:(\d+)\/$/m.exec(String(said))?.[1]
    const statusOf = async (asked: string): Promise<number | undefined> => {
      const [response] = (await once(get({ host: '127.0.0.1', port, path: asked }), 'response')) as [IncomingMessage]
      response.resume()
      return response.statusCode
    }
    for (const odd of ['//', '///', 'http://', 'http://[', '//:']) expect([odd, await statusOf(odd)]).toEqual([odd, 400])
    for (const far of ['/../server.ts', '/%2e%2e/server.ts', '/..%2fserver.ts', '/%00', '/\\..\\..', 'file:///etc/passwd', '*'])
      expect([far, await statusOf(far)]).toEqual([far, 404])
    expect(await statusOf('/settings.json')).toBe(200)
  }
)
