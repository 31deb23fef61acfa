/** What peers say, and a field to answer. */
import { usePoolEvent, usePoolSnapshot } from 'p2p-pool/react'
import type { PeerId } from 'p2p-pool/web'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { type ChatPool, codec, maxMessageBytes } from './message.ts'
import { PeerName } from './peers.tsx'

/** Older lines go. */
const maxLines = 200

interface Line {
  readonly number: number
  /** `undefined`: this page. */
  readonly from: PeerId | undefined
  readonly text: string
  /** Of this page's own: to how many peers it went. */
  readonly reached?: number
}

export function Chat({ pool }: { pool: ChatPool }) {
  const [lines, setLines] = useState<readonly Line[]>([])
  const [text, setText] = useState('')
  const isAlone = usePoolSnapshot(pool, (snapshot) => snapshot?.active === 0)
  const end = useRef<HTMLLIElement>(null)

  const add = (line: Omit<Line, 'number'>): void => {
    setLines((before) => [...before, { ...line, number: (before.at(-1)?.number ?? 0) + 1 }].slice(-maxLines))
  }
  usePoolEvent(pool, 'message', ({ detail: { peerId, message } }) => add({ from: peerId, text: message }))
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line is scrolled to
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' })
  }, [lines])

  const say = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    const said = text.trim()
    if (said === '') return
    setText('')
    add({ from: undefined, text: said, reached: await pool.broadcast(said) })
  }
  const isTooLong = codec.encode(text).length > maxMessageBytes
  return (
    <section aria-labelledby="chat" className="chat">
      <h2 id="chat">Chat</h2>
      <ol className="lines" aria-live="polite">
        {lines.map((line) => (
          <li key={line.number} data-own={line.from === undefined}>
            {line.from === undefined ? <span className="name">You</span> : <PeerName peerId={line.from} />}
            <span className="text">{line.text}</span>
            {line.reached === 0 && <span className="quiet">nobody was connected</span>}
          </li>
        ))}
        <li ref={end} className="end" aria-hidden="true" />
      </ol>
      <form onSubmit={say}>
        <input
          aria-label="Message to all peers"
          placeholder={isAlone ? 'Nobody is connected yet' : 'Say something to all peers'}
          value={text}
          onChange={(event) => setText(event.target.value)}
          autoComplete="off"
        />
        <button type="submit" disabled={text.trim() === '' || isTooLong}>
          {isTooLong ? 'Too long' : 'Send'}
        </button>
      </form>
    </section>
  )
}
