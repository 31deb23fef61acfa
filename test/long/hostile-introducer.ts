/** In a page: from now on it takes every request to introduce two peers, and does harm instead. */
import type { Stream } from '@libp2p/interface'
import { Introducer } from '../../src/libp2p/introducer.ts'
import { sendMessage } from '../../src/libp2p/introduction-message.ts'

/** `swallows`: it answers nothing. `floods`: it agrees, and sends garbage for as long as the stream takes it. */
export type Hostility = 'swallows' | 'floods'

const pieceBytes = 16_384
/** Of one stream, so that the page itself lives on. */
const maxPieces = 1_000
const pauseMs = 5

export function turnHostile(how: Hostility): void {
  Introducer.prototype.introduce = how === 'swallows' ? swallow : flood
}

function swallow(stream: Stream): Promise<void> {
  return new Promise((resolve) => {
    stream.addEventListener('close', () => resolve())
  })
}

async function flood(stream: Stream): Promise<void> {
  sendMessage(stream, { kind: 'ok' })
  for (let sent = 0; sent < maxPieces && stream.status === 'open'; sent++) {
    stream.send(crypto.getRandomValues(new Uint8Array(pieceBytes)))
    await new Promise((resolve) => {
      setTimeout(resolve, pauseMs)
    })
  }
}
