/** Waits until no microtask is left. A virtual clock does so between two timers. In Node and in browsers. */

/** Not by their types: a page need not have Node's, nor a program of Node the DOM's. */
const host = globalThis as {
  readonly process?: { readonly nextTick?: (work: () => void) => void }
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port }
}

interface Port {
  postMessage(message: undefined): void
  addEventListener(type: 'message', listener: () => void): void
  start(): void
}

/** Resolves when no microtask is left. */
export function settle(): Promise<void> {
  return new Promise(settled)
}

/** Calls `then` when no microtask is left: Node runs the next tick only then, a browser the next listener. A promise for each step would cost more. */
export function settled(then: () => void): void {
  const { process, MessageChannel } = host
  // A tick that is asked for within a tick comes before the microtasks of that one.
  if (process?.nextTick !== undefined) queueMicrotask(() => process.nextTick?.(then))
  else if (MessageChannel === undefined) setTimeout(then)
  else {
    turns ??= listenerTurns(new MessageChannel())
    turns(then)
  }
}

/**
 * Between two listeners of one event a browser runs every microtask, and a call of a listener costs a tenth of a task of its own. After so
 * many turns the next message is due, so that other tasks of the page have their turn within milliseconds.
 */
const turnsPerMessage = 200

let turns: ((work: () => void) => void) | undefined

/** Calls `work` when no microtask is left. */
function listenerTurns({ port1, port2 }: { readonly port1: Port; readonly port2: Port }): (work: () => void) => void {
  // As many as there are clocks that move at the same time: one as a rule.
  const waiting: (() => void)[] = []
  let isPosted = false
  const post = (): void => {
    isPosted = true
    port2.postMessage(undefined)
  }
  // Each one is a function of its own: a port takes the same one once.
  for (let turn = 1; turn < turnsPerMessage; turn++) port1.addEventListener('message', () => waiting.shift()?.())
  port1.addEventListener('message', () => {
    isPosted = false
    if (waiting.length > 1) post()
    waiting.shift()?.()
  })
  port1.start()
  return (work) => {
    waiting.push(work)
    if (!isPosted) post()
  }
}
