/**
 * Texts to one peer or to all, and those that came: UTF-8. Every tab that follows the pool shows what came; everything is
 * taken at once and the oldest is dropped.
 */
import { startsWith } from '../../examples/shared-text/provider/room.ts'
import type { PeerId } from '../../src/core/index.ts'
import { messageOf } from '../../src/core/values/reason.ts'
import { byId, el, keyedList, setAttribute, setHidden, setText } from './dom.ts'
import { cutText, formatClock, formatCount, shortenIds } from './format.ts'
import type { Names } from './names.ts'
import type { Page, Part } from './page.ts'
import { textHeader } from './shared-text.ts'
import { peerButton } from './widgets.ts'

/** The oldest goes first. */
const maxMessages = 200
const maxShownLength = 2_000
const everyone = ''

interface Message {
  readonly id: number
  readonly at: number
  readonly direction: 'in' | 'out'
  /** The sender or the receiver; none: all. */
  readonly peerId: PeerId | undefined
  readonly text: string
  /** Of a message to everybody: how many took it. */
  readonly taken: number
}

export interface MessagesPart extends Part {
  writeTo(peerId: PeerId): void
}

/** Listens from now on. */
export function messagesPart({ pool, names }: Pick<Page, 'pool' | 'names'>, redraw: () => void): MessagesPart {
  const scroll = byId('message-scroll', HTMLDivElement)
  const empty = byId('messages-empty', HTMLParagraphElement)
  const form = byId('message-form', HTMLFormElement)
  const to = byId('message-to', HTMLSelectElement)
  const input = byId('message-text', HTMLInputElement)
  const send = byId('message-send', HTMLButtonElement)
  const problem = byId('message-error', HTMLParagraphElement)
  const rows = keyedList<Message>(byId('message-list', HTMLOListElement), {
    key: (message) => String(message.id),
    create: (message) => ({ element: messageRow(message), update: () => undefined })
  })
  const options = keyedList<Recipient>(to, {
    key: ({ value }) => value,
    create: ({ value }) => {
      const element = el('option', { value })
      return { element, update: ({ label }) => setText(element, label) }
    }
  })
  // index.html has an entry for the time before there is a pool.
  to.replaceChildren()
  /** A list that is filled again selects what it likes: this says what was meant. */
  let chosen = everyone
  const showRecipients = (connected: readonly PeerId[]): void => {
    options.show(recipients(connected, chosen, names))
    if (to.value !== chosen) to.value = chosen
  }
  let messages: readonly Message[] = []
  let count = 0
  let drawn = 0

  const keep = (message: Omit<Message, 'id' | 'at'>) => {
    count += 1
    messages = [...messages.slice(1 - maxMessages), { ...message, id: count, at: Date.now() }]
    redraw()
  }
  pool.addEventListener('message', ({ detail: { peerId, message } }) => {
    if (startsWith(message, textHeader)) return
    keep({ direction: 'in', peerId, text: new TextDecoder().decode(message), taken: 1 })
  })

  const deliver = async (text: string) => {
    const bytes = new TextEncoder().encode(text)
    const peerId = chosen === everyone ? undefined : pool.parsePeerId(chosen)
    if (peerId === undefined) {
      const taken = await pool.broadcast(bytes)
      if (taken === 0) throw new Error('no peer is connected')
      keep({ direction: 'out', peerId, text, taken })
    } else {
      await pool.send(peerId, bytes)
      keep({ direction: 'out', peerId, text, taken: 1 })
    }
  }
  const submit = async () => {
    const text = input.value
    if (text === '') return
    try {
      await deliver(text)
      // What was typed while the message was on its way stays.
      if (input.value === text) input.value = ''
      setHidden(problem, true)
    } catch (error) {
      setText(problem, `Not sent: ${shortenIds(messageOf(error))}.`)
      setHidden(problem, false)
    }
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit()
  })
  to.addEventListener('change', () => {
    chosen = to.value
    redraw()
  })

  return {
    writeTo(peerId) {
      chosen = peerId
      showRecipients([peerId])
      redraw()
      input.focus()
    },
    show({ snapshot }) {
      const connected = snapshot.connections.map(({ peerId }) => peerId)
      showRecipients(connected)
      setAttribute(send, 'disabled', chosen === everyone ? connected.length === 0 : !connected.some((peerId) => peerId === chosen))
      rows.show(messages)
      setHidden(empty, messages.length > 0)
      if (drawn !== count) scroll.scrollTop = scroll.scrollHeight
      drawn = count
    }
  }
}

interface Recipient {
  readonly value: string
  readonly label: string
}

/** The chosen one stays although it left: what was meant for one must not go to all. */
function recipients(connected: readonly PeerId[], chosen: string, names: Pick<Names, 'nameOf'>): readonly Recipient[] {
  const peers = [...connected].sort().map((peerId) => ({ value: peerId as string, label: `To ${names.nameOf(peerId)}` }))
  const list = [{ value: everyone, label: `To everyone (${formatCount(connected.length, 'peer')})` }, ...peers]
  return list.some(({ value }) => value === chosen)
    ? list
    : [...list, { value: chosen, label: `To ${names.nameOf(chosen as PeerId)} (not connected)` }]
}

function messageRow({ at, direction, peerId, text, taken }: Message): HTMLElement {
  const who =
    peerId === undefined
      ? [el('span', {}, [`to everyone (${taken})`])]
      : [direction === 'in' ? 'from ' : 'to ', peerButton(peerId, { isNamed: true })]
  return el('li', { class: `message ${direction}`, 'data-testid': 'message-row', 'data-direction': direction, 'data-peer': peerId }, [
    el('p', { class: 'line small' }, [...who, el('time', { datetime: new Date(at).toISOString() }, [formatClock(at)])]),
    el('p', { class: 'text', dir: 'auto', 'data-testid': 'message-text' }, [cutText(text, maxShownLength)])
  ])
}
