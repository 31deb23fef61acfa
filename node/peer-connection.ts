/** WebRTC for invitations on Node, which has none of its own: that of the package on which `@libp2p/webrtc` is made. Used by `createNodePeer`. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** Rejects where it is not installed. */
export async function loadPeerConnection(): Promise<typeof RTCPeerConnection> {
  const { resolve } = createRequire(import.meta.resolve('@libp2p/webrtc'))
  const found: unknown = await import(pathToFileURL(resolve('node-datachannel/polyfill')).href)
  return (found as { readonly RTCPeerConnection: typeof RTCPeerConnection }).RTCPeerConnection
}
