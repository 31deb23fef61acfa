/** Pages for the tests that drive a Chromium from Node: built as a user would build them, and served. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build, type Rolldown } from 'vite'

/** Repeats a check until it holds; then, and at the deadline, ends as it does. */
export async function eventually(check: () => Promise<void>, deadlineMs = 10_000): Promise<void> {
  const end = performance.now() + deadlineMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > end) throw error
      await new Promise((resolve) => {
        setTimeout(resolve, 100)
      })
    }
  }
}

/** A page's code and all it imports in one file; `file` is beside this one. */
export async function bundlePage(file: string): Promise<string> {
  const [{ code }] = await bundle(file, false)
  return code
}

/** A page's code as a bundler splits it: each file by its path. The page itself is `/page.js`. */
export async function bundleChunks(file: string): Promise<ReadonlyMap<string, string>> {
  return new Map((await bundle(file, true)).map(({ fileName, code }) => [`/${fileName}`, code]))
}

async function bundle(file: string, codeSplitting: boolean): Promise<[Rolldown.OutputChunk, ...Rolldown.OutputChunk[]]> {
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    root: fileURLToPath(new URL('.', import.meta.url)),
    build: {
      write: false,
      target: 'es2023',
      minify: false,
      lib: { entry: fileURLToPath(new URL(file, import.meta.url)), formats: ['es'], fileName: 'page' },
      rolldownOptions: { output: { codeSplitting } }
    }
  })
  const [{ output }] = (Array.isArray(result) ? result : [result]) as Rolldown.RolldownOutput[] as [Rolldown.RolldownOutput]
  const [page, ...others] = output
  return [page, ...others.filter((one) => one.type === 'chunk')]
}

/** On localhost, where a page counts as secure. Given one text, it is `/page.js`. With a key and a certificate, over https. */
export function servePage(
  code: string | ReadonlyMap<string, string>,
  pem?: { readonly key: string; readonly cert: string }
): Promise<Server> {
  const files = typeof code === 'string' ? new Map([['/page.js', code]]) : code
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const script = files.get(request.url ?? '')
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
    response.end(script ?? '<!doctype html><title>p2p-pool test</title><script type="module" src="/page.js"></script>')
  }
  const server = pem === undefined ? createServer(answer) : createSecureServer(pem, answer)
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

export function addressOf(server: Server): string {
  return `http://localhost:${(server.address() as AddressInfo).port}/`
}
