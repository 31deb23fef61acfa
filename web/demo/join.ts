/**
 * Joining by an invitation, below "Invite a page": a pasted text or link, or the fragment `#join=…` of the page's own address, as a phone's
 * camera opens it. When nothing leads to the inviting page, an answer is shown, which a person carries back.
 */
import { byId, el, setAttribute, setHidden } from './dom.ts'
import { mayInvite, poolOf } from './invite.ts'
import { type Failure, inviterOf, joinFailure, readPasted, textInFragment } from './invite-words.ts'
import type { Page, Part } from './page.ts'
import { peerButton } from './widgets.ts'

export function joinPart({ pool }: Pick<Page, 'pool'>): Part {
  const section = byId('invite', HTMLElement)
  const input = el('textarea', {
    ...{ id: 'join-input', rows: '2', class: 'mono', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off' },
    ...{ 'data-testid': 'join-input', placeholder: 'p2p-pool:1:i;…', 'aria-describedby': 'join-result' }
  })
  const join = el('button', { type: 'submit', class: 'strong', 'data-action': 'join', disabled: true }, ['Join'])
  const cancel = el('button', { type: 'button', 'data-action': 'cancel-join', hidden: true }, ['Cancel'])
  const form = el('form', { class: 'carry', novalidate: true }, [
    el('label', { for: 'join-input' }, ['The text or the link of an invitation']),
    input,
    el('div', { class: 'actions' }, [join, cancel])
  ])
  const own = el('textarea', {
    ...{ id: 'join-answer', rows: '3', class: 'mono', readonly: true, spellcheck: 'false', 'data-testid': 'join-answer' }
  })
  const copy = el('button', { type: 'button', class: 'strong', 'data-action': 'copy', 'data-testid': 'copy-answer', 'data-copy': '' }, [
    'Copy the answer'
  ])
  const carried = el('div', { class: 'answer', hidden: true, 'data-testid': 'join-carry' }, [
    el('p', {}, [
      'No server and no common page leads there. Copy this answer, and paste it in the page that invited you. Keep this page open meanwhile.'
    ]),
    el('label', { for: 'join-answer', class: 'sr' }, ['Your answer']),
    own,
    el('div', { class: 'actions' }, [copy]),
    el('p', { class: 'hint' }, ['If that page says that the invitation has ended, ask for a new one.'])
  ])
  const result = el('div', { id: 'join-result', class: 'result', role: 'status', 'data-testid': 'join-result' })
  section.append(el('h3', {}, ['Join by an invitation']), form, result, carried)
  let current: AbortController | undefined
  /** Of the page's address, until the pool runs. */
  let pending: string | undefined

  const say = (kind: 'good' | 'failed' | 'busy', nodes: readonly (Node | string)[]): void => {
    setAttribute(result, 'data-result', kind)
    setAttribute(input, 'aria-invalid', kind === 'failed' ? 'true' : undefined)
    result.replaceChildren(...nodes)
  }
  const fail = ({ problem, advice }: Failure): void => {
    say('failed', [
      el('p', { class: 'problem', 'data-testid': 'join-error' }, [problem]),
      ...(advice === '' ? [] : [el('p', { class: 'hint' }, [advice])])
    ])
  }
  /** Never rejects. */
  const run = async (pasted: string): Promise<void> => {
    if (current !== undefined) return
    const text = readPasted(pasted)
    if (text === '') {
      fail({ problem: 'Paste a text or a link first.', advice: '' })
      return
    }
    const inviter = inviterOf(text)
    const isHere = pool.snapshot()?.connections.some(({ peerId }) => peerId === inviter) === true
    const controller = new AbortController()
    current = controller
    setHidden(cancel, false)
    setHidden(join, true)
    say('busy', ['Joining …'])
    try {
      const peerId = await poolOf(pool).join(text, { signal: controller.signal, onAnswer: show })
      say('good', [el('p', {}, [isHere ? 'Already connected with ' : 'Joined through ', peerButton(peerId, { isNamed: true }), '.'])])
      input.value = ''
    } catch (error) {
      fail(controller.signal.aborted ? { problem: 'You cancelled it.', advice: '' } : joinFailure(error, text))
    } finally {
      current = undefined
      setHidden(carried, true)
      setHidden(cancel, true)
      setHidden(join, false)
    }
  }
  const show = (answer: string): void => {
    own.value = answer
    setAttribute(copy, 'data-copy', answer)
    setHidden(carried, false)
    say('busy', ['Waiting for the page that invited you …'])
  }
  /** Takes the invitation out of the address: a reload would use it again. */
  const takeFragment = (): void => {
    const text = textInFragment(location.hash)
    if (text === undefined) return
    history.replaceState(null, '', `${location.pathname}${location.search}`)
    input.value = text
    pending = text
    section.scrollIntoView({ block: 'start' })
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void run(input.value)
  })
  input.addEventListener('input', () => {
    if (result.getAttribute('data-result') === 'failed') say('busy', [])
  })
  cancel.addEventListener('click', () => current?.abort())
  addEventListener('hashchange', takeFragment)
  takeFragment()
  return {
    show({ snapshot: { status } }) {
      const isReady = mayInvite(pool, status)
      setAttribute(join, 'disabled', !isReady)
      if (!isReady || pending === undefined) return
      const text = pending
      pending = undefined
      void run(text)
    }
  }
}
