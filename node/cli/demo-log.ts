/**
 * What the Node peers do while a person tries the demo, one line each: pages that come and go, bans, faults, trouble
 * with files, messages. What they do among themselves is not worth a line. Called by demo.ts; the words for reasons are
 * the core's.
 */

import { safe, safeJson } from '../command/text-output.ts'
import { describeReason, type PeerId, type PoolEvents, type Transport } from '../index.ts'
import type { DemoNodePeer } from './demo-node-peer.ts'

const transportNames: Readonly<Partial<Record<Transport, string>>> = { tcp: 'TCP', ws: 'WebSockets', wss: 'WebSockets', webrtc: 'WebRTC' }
const maxTextLength = 120

export interface DemoLog {
  /** Tells of it from now on; to be called after each start. */
  follow(peer: DemoNodePeer): void
  message(to: DemoNodePeer, from: PeerId, text: string): void
  /** How many relay reservations it has given; written when that changes. */
  reservations(relay: DemoNodePeer): void
  /** Whatever else a peer does that a person may see on the page. */
  note(peer: DemoNodePeer, text: string): void
}

export function demoLog({ write, isNodePeer }: { write(line: string): void; isNodePeer(peerId: PeerId): boolean }): DemoLog {
  const say = ({ name }: DemoNodePeer, text: string): void => write(`${clock(new Date())}  ${name}: ${safe(text)}`)
  let used = 0
  return {
    follow(peer) {
      const { pool } = peer
      const left = ({ peerId, ending }: PoolEvents['connection-closed']): void => {
        if (!isNodePeer(peerId)) say(peer, `${shortened(peerId)} left (${describeReason(ending.reason)})`)
      }
      pool.addEventListener('connection-opened', ({ detail: { peerId } }) => {
        if (isNodePeer(peerId)) return
        const transport = pool.connections.findByPeerId(peerId)?.transport ?? 'other'
        say(peer, `${shortened(peerId)} came over ${transportNames[transport] ?? transport}`)
      })
      pool.addEventListener('connection-closed', ({ detail }) => left(detail))
      pool.addEventListener('connection-lost', ({ detail }) => left(detail))
      pool.addEventListener('greylisted', ({ detail: { peerId, host, cause } }) =>
        say(
          peer,
          `greylisted ${[peerId === undefined ? undefined : shortened(peerId), host].filter((one) => one !== undefined).join(' and ')}: ${cause}`
        )
      )
    },
    note: say,
    reservations(relay) {
      const status = relay.relayStatus
      if (status === undefined || status.used === used) return
      used = status.used
      say(relay, `${used} ${used === 1 ? 'page holds' : 'pages hold'} a relay reservation, ${status.left} are left`)
    },
    message(to, from, text) {
      say(to, `${shortened(from)} says ${safeJson(text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text)}`)
    }
  }
}

/** The same few letters as on the page: ids of libp2p begin alike. */
export function shortened(peerId: PeerId): string {
  return `…${peerId.slice(-6)}`
}

function clock(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}
