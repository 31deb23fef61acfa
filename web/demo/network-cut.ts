/**
 * Cuts the page off from all its peers for a while, below libp2p: the bytes that its WebSockets and WebRTC channels send or get are
 * dropped, and the browser's events say that the device is offline. Afterwards new sockets work, and those of before never carry a byte
 * again, as when a phone goes from Wi-Fi to mobile. The layers above are not informed: pool and plain libp2p find out by their own means.
 *
 * `installCut` comes before the first socket.
 */

/** Even: there is a network. Odd: it is cut. A socket belongs to the period in which it was first used, and works in no other. */
let period = 0
const periods = new WeakMap<EventTarget, number>()
/** A channel of WebRTC belongs to its connection: one that is opened later on a dead connection is dead, too. */
const owners = new WeakMap<EventTarget, EventTarget>()
let installed = false

interface Channel extends EventTarget {
  send(data: never): void
}

/** Idempotent. Browsers without WebRTC lack its parts. */
export function installCut(): void {
  if (installed) return
  installed = true
  const { WebSocket, RTCDataChannel, RTCPeerConnection } = globalThis as Partial<typeof globalThis>
  for (const kind of [WebSocket, RTCDataChannel] as readonly ({ readonly prototype: Channel } | undefined)[]) {
    if (kind === undefined) continue
    const { send } = kind.prototype
    kind.prototype.send = function (data) {
      if (works(this)) send.call(this, data)
    }
  }
  if (RTCPeerConnection !== undefined) {
    const { prototype } = RTCPeerConnection
    const { createDataChannel } = prototype
    prototype.createDataChannel = function (...given) {
      const channel = createDataChannel.apply(this, given)
      owners.set(channel, note(this))
      return channel
    }
    const { setLocalDescription } = prototype
    // Each connection has one before a channel of the other side comes.
    prototype.setLocalDescription = function (...given: readonly unknown[]) {
      note(this)
      return Reflect.apply(setLocalDescription, this, given)
    }
  }
  // As the browser has it of a device that is offline.
  const onLine = Object.getOwnPropertyDescriptor(Navigator.prototype, 'onLine')
  Object.defineProperty(navigator, 'onLine', { configurable: true, get: () => !isCut() && onLine?.get?.call(navigator) !== false })
}

/** Resolves when there is a network again. One at a time. */
export async function cutNetwork(forMs: number): Promise<void> {
  period += 1
  dispatchEvent(new Event('offline'))
  await new Promise((resolve) => setTimeout(resolve, forMs))
  period += 1
  dispatchEvent(new Event('online'))
}

function isCut(): boolean {
  return period % 2 === 1
}

/** From its first use on, what a socket gets is judged, too: on the way down, hence before the socket's own listeners. */
function note(socket: EventTarget): EventTarget {
  if (periods.has(socket)) return socket
  periods.set(socket, period)
  socket.addEventListener('message', dropIfDead, { capture: true })
  socket.addEventListener('datachannel', ownOrDrop, { capture: true })
  return socket
}

function works(socket: EventTarget): boolean {
  note(socket)
  return periods.get(owners.get(socket) ?? socket) === period && !isCut()
}

function dropIfDead(event: Event): void {
  const { currentTarget } = event
  if (currentTarget !== null && !works(currentTarget)) event.stopImmediatePropagation()
}

function ownOrDrop(event: Event): void {
  const { currentTarget, channel } = event as RTCDataChannelEvent
  if (currentTarget === null) return
  owners.set(channel, currentTarget)
  note(channel)
  dropIfDead(event)
}
