/**
 * The server of the example: it serves the page, is the Node peer through which pages find each other, and answers what is said to it.
 * `node server.ts [--port N]`, after `vite build page`.
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { parseArgs } from 'node:util'
import { createNodePeer } from 'p2p-pool/node'
import { codec, maxMessageBytes } from './page/message.ts'

const network = 'react-page'
const host = '127.0.0.1'
const built = join(import.meta.dirname, 'page/dist')
const types: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' }

const { values } = parseArgs({ options: { port: { type: 'string', default: '8789' } } })
const port = Number(values.port)

// The same key and port each time: pages that still know this peer find it again.
const { node, pool, stop } = await createNodePeer({
  network,
  messageCodec: codec,
  maxMessageBytes,
  listen: [`/ip4/${host}/tcp/${port === 0 ? 0 : port + 1}/ws`],
  relay: true,
  ...(port === 0 ? {} : { identityFile: join(import.meta.dirname, 'data/identity') })
})
pool.addEventListener('connection-opened', async ({ detail: { peerId } }) => {
  const connection = pool.connections.findByPeerId(peerId)
  if (connection === undefined) return
  await connection.send('Hello! I am the server of this page.').catch(() => undefined)
  for await (const text of connection.messages) {
    await connection.send(`I got ${text.length === 1 ? 'one character' : `${text.length} characters`}.`).catch(() => undefined)
  }
})

const settings = JSON.stringify({ network, trustedPoints: node.getMultiaddrs().map(String) })
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
server.listen(port, host, () => {
  const address = server.address()
  console.log(`The page: http://localhost:${typeof address === 'object' ? address?.port : port}/`)
  console.log('Open it in two browsers. Ctrl-C stops this server.')
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close()
    server.closeAllConnections()
    void stop()
  })
}
