/** The page of web-peer.test.ts: peers on a page, driven from the test through `globalThis.page`. */
import { type Ping, ping } from '@libp2p/ping'
import { webRTCDirect } from '@libp2p/webrtc'
import { createTabPeer, type Invitation, type PeerId, type Point, type TabPeer, type TabPeerInit } from '../../web/index.ts'

type Peer = TabPeer<Uint8Array, unknown, Uint8Array, { ping: Ping }>

let peer: Peer | undefined
let invitation: Invitation | undefined
let joined: Promise<PeerId> | undefined

function running(): Peer {
  if (peer === undefined) throw new Error('no peer was started')
  return peer
}

const page = {
  async start(init: TabPeerInit, direct = false) {
    const services = { ping: ping() }
    peer = await createTabPeer(direct ? { ...init, services, webRtcDirect: webRTCDirect } : { ...init, services })
    const { identity, pool } = peer
    return { peerId: pool.peerId, persistent: identity.persistent, notice: identity.notice, transports: pool.network.transports }
  },

  async stop(): Promise<void> {
    await running().stop()
  },

  /** By the service that the page adds to the preset: the round trip to a connected peer, ms. */
  async ping(peerId: PeerId): Promise<number> {
    const { node } = running()
    const [connection] = node.getConnections().filter(({ remotePeer }) => remotePeer.toString() === peerId)
    if (connection === undefined) throw new Error('not connected')
    return node.services.ping.ping(connection.remotePeer)
  },

  /** A point at which another page can dial this one, once a relay gave us a place. */
  async ownPoint(): Promise<Point> {
    const { pool } = running()
    for (;;) {
      const [point] = pool.network.ownPoints()
      if (point !== undefined) return point
      await pool.next('own-points-changed', { signal: AbortSignal.timeout(10_000) })
    }
  },

  async connect(point: Point) {
    const { peerId, transport, host, direction, remoteAddress } = await running().pool.connect(point)
    return { peerId, transport, host, direction, remoteAddress }
  },

  /** The failure of a dial, by its kind. */
  async failureOf(text: string): Promise<unknown> {
    const { pool } = running()
    try {
      await pool.connect(pool.parsePoint(text).point)
      return 'connected'
    } catch (error) {
      return (error as { rejection?: { failure?: string } }).rejection?.failure ?? String(error)
    }
  },

  connections() {
    return running()
      .pool.connections.list()
      .map(({ peerId, transport, host, direction }) => ({ peerId, transport, host, direction }))
  },

  /** libp2p's own connections to a peer: is each limited (relayed)? */
  limited(peerId: PeerId): boolean[] {
    return running()
      .node.getConnections()
      .filter(({ remotePeer, status }) => status === 'open' && remotePeer.toString() === peerId)
      .map(({ limits }) => limits !== undefined)
  },

  /** Sends `size` bytes that count up, in pieces of 16 KiB. */
  async send(peerId: PeerId, size: number): Promise<void> {
    const connection = running().pool.connections.findByPeerId(peerId)
    for (let at = 0; at < size; at += 16_384)
      await connection?.send(Uint8Array.from({ length: Math.min(16_384, size - at) }, (_, i) => (at + i) % 251))
  },

  /** Resolves with how many bytes came before the first that was not the next one. */
  async receive(peerId: PeerId, size: number): Promise<number> {
    const connection = running().pool.connections.findByPeerId(peerId)
    let got = 0
    if (connection === undefined) return got
    for await (const message of connection.messages) {
      for (const byte of message) {
        if (byte !== got % 251) return got
        got++
      }
      if (got >= size) break
    }
    return got
  },

  /** Connects and disconnects so many times. */
  async comeAndGo(point: Point, times: number): Promise<void> {
    const { pool } = running()
    for (let i = 0; i < times; i++) {
      const { peerId } = await pool.connect(point)
      await pool.disconnect(peerId)
    }
  },

  async disconnect(peerId: PeerId): Promise<void> {
    await running().pool.disconnect(peerId)
  },

  relays() {
    return running().relays
  },

  async invite(): Promise<string> {
    invitation = await running().pool.invite()
    return invitation.text
  },

  async accept(answer: string): Promise<PeerId | undefined> {
    return invitation?.accept(answer)
  },

  /** Resolves with the answer; `joined` waits for the connection. */
  join(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      joined = running().pool.join(text, { onAnswer: resolve })
      joined.catch(reject)
    })
  },

  joined: (): Promise<PeerId> | undefined => joined,

  async ban(peerId: PeerId): Promise<void> {
    await running().pool.peers.ban(peerId)
  }
}

export type TestPage = typeof page

Object.assign(globalThis, { page })
