/**
 * Ends the connections and attempts of peers that are kept out from now on: by a ban, a greylisting or private mode, and by what a storage
 * brings that was read only after peers had connected.
 */
import { isShutOut } from '../decisions/admission.ts'
import type { FlowContext } from './context.ts'

const causes = ['greylisted', 'peer-banned', 'host-banned', 'range-banned', 'trust-changed', 'storage-loaded'] as const

/** Expels from now on, as long as the pool exists. Several causes in one turn are one look. */
export function expelKeptOut(context: FlowContext): void {
  let isDue = false
  const look = (): void => {
    if (isDue) return
    isDue = true
    queueMicrotask(() => {
      isDue = false
      expel(context)
    })
  }
  for (const cause of causes) context.events.addEventListener(cause, look)
}

/** Connected peers on a greylisted host stay: others may share it. */
function expel({ state, network }: FlowContext): void {
  for (const attempt of [...state.attempts()]) {
    const { peerId } = attempt
    if (peerId !== undefined && state.access.peerBlock(peerId) !== undefined)
      attempt.cancel({ kind: 'cancelled', detail: `${peerId} is kept out` })
  }
  for (const connection of [...state.connections()]) {
    const { peerId, point, host } = connection
    const isUnknown = !state.access.isTrusted(peerId, point) && isShutOut(state, peerId, { host, direction: 'incoming' })
    if (state.access.peerBlock(peerId) !== undefined) void connection.disconnect({ kind: 'peer-banned' })
    else if (isUnknown) void connection.disconnect({ kind: 'explicit', text: 'private mode' })
  }
  network.endDenied?.()
}
