/** What the demo's Node peers have for plain libp2p, which the page runs beside its pool to compare the two (web/demo/plain-node.ts). */
import type { Libp2p } from '@libp2p/interface'

/** On each connection plain libp2p keeps one stream of it open, as an application would: Node peers close connections that nothing uses. */
export const plainProtocol = '/p2p-pool-demo/plain/1.0.0'

export async function servePlain(node: Libp2p): Promise<void> {
  await node.handle(plainProtocol, (stream) => {
    // Nothing is ever said on it.
    stream.addEventListener('remoteCloseWrite', () => void stream.close().catch(() => undefined))
  })
}
