/** The box that connects to an address: checks it, shows how long it takes, lets go of it, says why it failed and what to do. */
import { PoolError } from '../../src/core/index.ts'
import { messageOf } from '../../src/core/values/reason.ts'
import { readDialText } from './dial-text.ts'
import { byId, el, setAttribute, setHidden } from './dom.ts'
import { formatDuration, shortenIds } from './format.ts'
import { nameOf } from './names.ts'
import type { Page } from './page.ts'
import { adviceFor } from './sentences.ts'
import { peerButton } from './widgets.ts'

const progressEveryMs = 100
/** Of a dial, with its handshake: the pool's own, which this page leaves as it is. */
const dialDeadlineMs = 10_000

export function listenForDials(page: Page): void {
  const form = byId('dial-form', HTMLFormElement)
  const input = byId('dial-input', HTMLInputElement)
  const dial = byId('dial-button', HTMLButtonElement)
  const cancel = byId('dial-cancel', HTMLButtonElement)
  const progress = byId('dial-progress', HTMLProgressElement)
  const result = byId('dial-result', HTMLDivElement)
  let current: AbortController | undefined

  const say = (kind: 'good' | 'failed' | 'busy', nodes: readonly (Node | string)[]) => {
    setAttribute(result, 'data-result', kind)
    setAttribute(input, 'aria-invalid', kind === 'failed' ? 'true' : undefined)
    result.replaceChildren(...nodes)
  }
  setAttribute(dial, 'disabled', false)
  cancel.addEventListener('click', () => current?.abort())
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (current !== undefined) return
    const read = readDialText(input.value.trim(), page.pool.snapshot(), { isHttps: location.protocol === 'https:' })
    if ('problem' in read) say('failed', failureNodes(read.problem, read.advice))
    else void run(read.address)
  })

  /** Never rejects. */
  async function run(address: string): Promise<void> {
    const controller = new AbortController()
    const startedAt = performance.now()
    current = controller
    const ticking = startProgress(progress, dialDeadlineMs)
    setHidden(cancel, false)
    setHidden(dial, true)
    say('busy', ['Connecting…'])
    try {
      const { point, expectedPeerId } = page.pool.parsePoint(address)
      const peerId = await page.pool.connect(point, { expectedPeerId, signal: controller.signal })
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
      say('good', [el('p', {}, ['Connected to ', peerButton(peerId, { isNamed: true }), ` in ${seconds} s.`])])
      input.value = ''
    } catch (error) {
      say('failed', controller.signal.aborted ? [el('p', {}, ['You cancelled it.'])] : failure(error))
    } finally {
      ticking.stop()
      current = undefined
      const hadFocus = document.activeElement === cancel
      setHidden(cancel, true)
      setHidden(dial, false)
      if (hadFocus) dial.focus()
    }
  }
}

function failure(error: unknown): readonly Node[] {
  if (error instanceof PoolError && error.rejection?.kind === 'already-connected')
    return failureNodes(`Already connected to ${nameOf(error.rejection.peerId)}`, '')
  return failureNodes(`Not connected: ${shortenIds(messageOf(error))}`, adviceForError(error))
}

function failureNodes(problem: string, advice: string): readonly Node[] {
  const message = el('p', { class: 'problem', 'data-testid': 'dial-error' }, [`${problem}.`])
  return advice === '' ? [message] : [message, el('p', { class: 'hint' }, [advice])]
}

function adviceForError(error: unknown): string {
  if (!(error instanceof PoolError)) return ''
  if (error.rejection !== undefined) return adviceFor(error.rejection)
  if (error.code !== 'invalid-point') return ''
  return 'An address looks like /ip4/127.0.0.1/tcp/4001/ws or /dns4/example.org/tcp/443/wss/p2p/12D3…. A ws:// or wss:// URL and the id of a known peer work too.'
}

/** Shows how much of the deadline is used. */
function startProgress(progress: HTMLProgressElement, deadlineMs: number): { stop(): void } {
  const startedAt = performance.now()
  progress.max = deadlineMs
  const tick = () => {
    progress.value = performance.now() - startedAt
    progress.title = `${formatDuration(performance.now() - startedAt)} of at most ${formatDuration(deadlineMs)}`
  }
  tick()
  setHidden(progress, false)
  const timer = setInterval(tick, progressEveryMs)
  return {
    stop() {
      clearInterval(timer)
      setHidden(progress, true)
    }
  }
}
