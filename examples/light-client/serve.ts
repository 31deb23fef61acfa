/** Starts the network of the example and serves the page that `vite build page` made. `node serve.ts [--port N]`; stop it with Ctrl-C. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { startChainNetwork } from './node/chain-network.ts'

const host = '127.0.0.1'
const built = join(import.meta.dirname, 'page/dist')
const types: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' }

const { values } = parseArgs({ options: { port: { type: 'string', default: '8788' } } })
const network = await startChainNetwork({
  onBreak(peer) {
    console.error(`${peer.name}: its libp2p node stopped by itself`)
    process.exit(1)
  }
})
const settings = JSON.stringify(network.pageSettings)
const server = createServer(async ({ url = '/' }, response) => {
  // A client may ask for anything: `//` is no URL.
  if (!URL.canParse(url, 'http://localhost')) {
    response.writeHead(400).end('bad request')
    return
  }
  const path = normalize(new URL(url, 'http://localhost').pathname)
  try {
    const body = path === '/settings.json' ? settings : await readFile(join(built, path === '/' ? 'index.html' : path))
    response.writeHead(200, { 'content-type': types[extname(path) || '.html'] ?? 'application/json' }).end(body)
  } catch {
    response.writeHead(404).end('not found')
  }
})
server.listen(Number(values.port), host, () => {
  const address = server.address()
  console.log(`The page: http://${host}:${typeof address === 'object' ? address?.port : values.port}/`)
})
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close()
    server.closeAllConnections()
    void network.stop()
  })
}
