/** What reverse proxies do to a request: one line more, which says for whom it comes, then everything as it comes. */
import type { Socket } from 'node:net'

/** No request for a WebSocket is longer. */
const maxHeadBytes = 16_384
const endOfHead = '\r\n\r\n'

/** Passes on what the client says; the other direction is the caller's. */
export function forwardFor(value: string, { client, upstream }: { client: Socket; upstream: Socket }): void {
  let head = ''
  const read = (chunk: Buffer): void => {
    head += chunk.toString('latin1')
    const end = head.indexOf(endOfHead)
    if (end < 0) {
      if (head.length > maxHeadBytes) client.destroy()
      return
    }
    client.off('data', read)
    upstream.write(Buffer.from(`${head.slice(0, end)}\r\nX-Forwarded-For: ${value}${head.slice(end)}`, 'latin1'))
    client.pipe(upstream)
  }
  client.on('data', read)
}
