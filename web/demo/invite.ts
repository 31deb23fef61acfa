/**
 * The card "Invite a page": a text, its QR code and link, by which another page joins through this one, and the field for the answer that a
 * person carries back. Joining is in join.ts. Works in a tab that follows, too.
 */
import type { Invitation, PoolStatus } from '../../src/core/index.ts'
import type { SharedPool } from '../index.ts'
import { byId, el, setAttribute, setHidden, setText } from './dom.ts'
import { answerFailure, endedWords, type Failure, failureWords, joinLink, leadsHere, leftWords } from './invite-words.ts'
import type { Page, Part } from './page.ts'
import { qrCode } from './phone.ts'
import type { DemoSettings } from './settings.ts'
import { peerButton } from './widgets.ts'

/** Of a link; a longer one makes a code that no phone reads. */
const maxCodeLength = 1_000
/** How many pages one invitation serves. One text has one answer, so further pages need a server or a common peer. */
const uses = 1

/** Whether the pool can invite and join now, wherever it runs. */
export function mayInvite({ hasOwner }: Pick<SharedPool, 'hasOwner'>, status: PoolStatus): boolean {
  return hasOwner && (status === 'running' || status === 'suspended')
}

/** Where the pool runs in this tab, its own methods know more: how many uses are left. */
export function poolOf(pool: SharedPool): Pick<SharedPool, 'invite' | 'join'> {
  return pool.owned?.pool ?? pool
}

interface Open {
  readonly invitation: Invitation
  /** The person has stopped it. */
  isStopped: boolean
}

export function invitePart({ pool }: Pick<Page, 'pool'>, { address }: Pick<DemoSettings, 'address'>): Part {
  const section = byId('invite', HTMLElement)
  const invite = el('button', { type: 'button', class: 'strong', 'data-action': 'invite', disabled: true }, ['Invite a page'])
  const stop = el('button', { type: 'button', 'data-action': 'stop-inviting' }, ['Stop inviting'])
  const code = el('div', { class: 'invite-code', 'data-testid': 'invite-code' })
  const left = el('p', { class: 'small', 'data-testid': 'invite-left' })
  const reach = el('p', { class: 'hint' })
  const copyLink = copyButton('Copy the link', 'copy-link')
  const copyText = copyButton('Copy the text', 'copy-invitation')
  const answer = el('textarea', {
    ...{ id: 'invite-answer', rows: '2', class: 'mono', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off' },
    ...{ 'data-testid': 'invite-answer', placeholder: 'p2p-pool:1:a;…' }
  })
  const take = el('button', { type: 'submit', 'data-action': 'take-answer' }, ['Take the answer'])
  const form = el('form', { class: 'carry', novalidate: true }, [
    el('label', { for: 'invite-answer' }, ['If the other page shows an answer, paste it here']),
    answer,
    take
  ])
  const opened = el('div', { class: 'invitation', hidden: true }, [
    el('div', { class: 'invite-head' }, [code, el('div', {}, [left, reach, el('div', { class: 'actions' }, [copyLink, copyText, stop])])]),
    form
  ])
  const result = el('div', { class: 'result', role: 'status', 'data-testid': 'invite-result' })
  section.prepend(
    byId('invite-title', HTMLHeadingElement),
    el('p', { class: 'hint' }, [
      'No server is needed. If the two pages cannot find each other, the other page shows an answer. Paste that answer here.'
    ]),
    el('div', { class: 'actions' }, [invite]),
    opened,
    result
  )
  let open: Open | undefined
  let isBusy = false

  const say = (kind: 'good' | 'failed' | 'busy', nodes: readonly (Node | string)[]): void => {
    setAttribute(result, 'data-result', kind)
    result.replaceChildren(...nodes)
  }
  const fail = ({ problem, advice }: Failure): void => {
    say('failed', [
      el('p', { class: 'problem', 'data-testid': 'invite-error' }, [problem]),
      ...(advice === '' ? [] : [el('p', { class: 'hint' }, [advice])])
    ])
  }
  const show = (invitation: Invitation): void => {
    const link = joinLink(invitation.text, address ?? location.href)
    code.replaceChildren(...(link.length > maxCodeLength ? [] : [qrCode(link, { label: 'QR code of the invitation', ecc: 'L' })]))
    setAttribute(copyLink, 'data-copy', link)
    setAttribute(copyText, 'data-copy', invitation.text)
    const isLocal = /^(localhost|127\.|\[::1\])/.test(new URL(link).hostname)
    setText(reach, isLocal ? 'The link leads to this machine alone. For phones, start the demo with --host.' : '')
    answer.value = ''
    setHidden(form, false)
    setHidden(opened, false)
    setHidden(invite, true)
  }
  const offerAgain = (): void => {
    setText(invite, 'Invite again')
    setHidden(invite, false)
  }
  /** Nobody can use it any more. */
  const close = (): void => {
    open?.invitation.end()
    open = undefined
    for (const button of [copyLink, copyText]) setAttribute(button, 'data-copy', '')
    setHidden(opened, true)
    offerAgain()
  }
  const end = (): void => {
    if (open === undefined) return
    const { invitation, isStopped } = open
    const used = isStopped ? 0 : uses - invitation.usesLeft
    close()
    const isExpired = !isStopped && Date.now() >= invitation.expiresAt
    const words = endedWords({ used: isExpired ? 0 : used, isExpired })
    // What was said of an answer stays.
    if (isStopped || result.getAttribute('data-result') !== 'good') say('good', [el('p', {}, [words])])
  }
  invite.addEventListener('click', () => {
    if (isBusy) return
    isBusy = true
    setAttribute(invite, 'disabled', true)
    if (open !== undefined) close()
    say('busy', ['Making an invitation …'])
    Promise.resolve()
      .then(() => poolOf(pool).invite({ uses }))
      .then((invitation) => {
        open = { invitation, isStopped: false }
        show(invitation)
        say('busy', [])
        redrawOpen()
      })
      .catch((error: unknown) => fail({ problem: failureWords('No invitation', error), advice: '' }))
      .finally(() => {
        isBusy = false
        setAttribute(invite, 'disabled', false)
      })
  })
  stop.addEventListener('click', () => {
    if (open === undefined) return
    open.isStopped = true
    end()
    invite.focus()
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (open === undefined) return
    const { invitation } = open
    const text = answer.value.trim()
    if (text === '') {
      fail({ problem: 'Paste the answer first.', advice: '' })
      return
    }
    setAttribute(take, 'disabled', true)
    say('busy', ['Connecting …'])
    invitation
      .accept(text)
      .then((peerId) => {
        say('good', [
          el('p', {}, [peerButton(peerId, { isNamed: true }), ' joined through this page.']),
          el('p', { class: 'hint' }, ['The invitation is used up. For another page, invite again.'])
        ])
        if (open?.invitation === invitation) close()
      })
      .catch((error: unknown) => {
        // It ended meanwhile: that was said.
        if (open?.invitation !== invitation) return
        const failure = answerFailure(error, text)
        fail(failure)
        if (failure.isSpent) spend(invitation)
      })
      .finally(() => setAttribute(take, 'disabled', false))
  })
  // What was said of the text before says nothing of this one.
  answer.addEventListener('input', () => {
    if (result.getAttribute('data-result') === 'failed') say('busy', [])
  })
  /** It takes no answer any more. Its code stays where another page may join without one. */
  const spend = ({ text }: Invitation): void => {
    if (!leadsHere(text)) {
      close()
      return
    }
    setHidden(form, true)
    offerAgain()
    result.append(el('p', { class: 'hint' }, ['A page that is connected with a server may still join by it.']))
  }
  const redrawOpen = (): void => {
    if (open === undefined) return
    const { usesLeft, expiresAt } = open.invitation
    if (usesLeft === 0 || Date.now() >= expiresAt) end()
    else setText(left, leftWords(usesLeft, expiresAt - Date.now()))
  }
  return {
    show({ snapshot: { status } }) {
      setAttribute(invite, 'disabled', isBusy || !mayInvite(pool, status))
      redrawOpen()
    }
  }
}

function copyButton(label: string, testId: string): HTMLButtonElement {
  return el('button', { type: 'button', 'data-action': 'copy', 'data-testid': testId, 'data-copy': '' }, [label])
}
