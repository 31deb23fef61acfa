/** The list of connected peers. */
import { usePoolSnapshot } from 'p2p-pool/react'
import type { ConnectionSnapshot, PeerId, PoolSnapshot } from 'p2p-pool/web'
import type { CSSProperties } from 'react'
import type { ChatPool } from './message.ts'

/** Outside of the component: the same function in each render selects once for each snapshot. */
const connections = (snapshot: PoolSnapshot | undefined): readonly ConnectionSnapshot[] | undefined => snapshot?.connections

export function Peers({ pool }: { pool: ChatPool }) {
  const connected = usePoolSnapshot(pool, connections) ?? []
  const own = usePoolSnapshot(pool, (snapshot) => snapshot?.peerId)
  return (
    <section aria-labelledby="peers">
      <h2 id="peers">Peers</h2>
      {connected.length === 0 && <p className="quiet">Nobody is connected yet.</p>}
      <ul className="peers">
        {connected.map((connection) => (
          <Peer key={connection.peerId} connection={connection} />
        ))}
      </ul>
      {own !== undefined && (
        <p className="own">
          You are <PeerName peerId={own} />
        </p>
      )}
    </section>
  )
}

function Peer({ connection: { peerId, transport, direction, rttMs, trusted } }: { connection: ConnectionSnapshot }) {
  const way = transport === 'webrtc' ? 'WebRTC' : transport === 'ws' ? 'WebSocket' : transport
  return (
    <li>
      <PeerName peerId={peerId} />
      {trusted && <span className="tag">server</span>}
      <span className="quiet">
        {way}, {direction === 'outgoing' ? 'dialed' : 'came in'}
        {rttMs !== null && `, ${Math.max(1, Math.round(rttMs.least))} ms`}
      </span>
    </li>
  )
}

/** The last letters of its id, in a colour that follows from it. */
export function PeerName({ peerId }: { peerId: PeerId }) {
  const letters = peerId.slice(-5)
  const hue = [...letters].reduce((sum, letter) => (sum * 7 + letter.charCodeAt(0) * 137) % 360, 0)
  return (
    <span className="name" style={{ '--hue': hue } as CSSProperties} title={peerId}>
      {letters}
    </span>
  )
}
