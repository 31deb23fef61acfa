/**
 * A text that all visitors of the demo write together, over messages of the pool. The provider, and what ties the text to a field, are those
 * of examples/shared-text; they are loaded when the pool runs, with Yjs, in text-editor.ts. Messages about the text are no messages for people.
 */
import { headerOf } from '../../examples/shared-text/provider/room.ts'
import { messageOf } from '../../src/core/values/reason.ts'
import { byId, el, setText } from './dom.ts'
import type { Page, Part } from './page.ts'

/** The same in node/cli/demo-text.ts: the relay has the text, too. */
const textRoom = 'demo'

/** The first bytes of each message about the text. */
export const textHeader = headerOf(textRoom)

export function sharedTextPart({ pool }: Pick<Page, 'pool'>): Part {
  const section = byId('shared-text', HTMLElement)
  const layer = el('div', { class: 'layer', 'aria-hidden': 'true' })
  const field = el('textarea', {
    ...{ 'aria-label': 'The shared text', 'data-testid': 'shared-text', placeholder: 'Starting…', maxlength: '100000' },
    ...{ autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', disabled: true }
  })
  const people = el('ul', { class: 'people', 'aria-label': 'Who else writes here', 'data-testid': 'shared-text-people' })
  const status = el('p', { class: 'small quiet', role: 'status', 'data-testid': 'shared-text-status' }, ['Starting…'])
  section.append(
    el('p', { class: 'hint' }, [
      'Everybody who opens this demo writes in it. It travels from peer to peer, and each has a copy, the relay too: so the text stays while no page is open. No server decides what it is.'
    ]),
    el('div', { class: 'editor' }, [layer, field]),
    people,
    status
  )
  section.hidden = false
  import('./text-editor.ts').then(
    ({ openEditor }) => openEditor({ room: textRoom, pool, field, layer, people, status }),
    (error: unknown) => setText(status, `The text could not be loaded: ${messageOf(error)}. Reload the page to try again.`)
  )
  // It is drawn when the text changes, not when the pool does.
  return { show: () => undefined }
}
