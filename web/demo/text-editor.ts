/** Ties the shared text to its field: document, provider, cursors, who is here. Loaded by shared-text.ts, with Yjs. */
import * as Y from 'yjs'
import { Cursors } from '../../examples/shared-text/page/cursors.ts'
import { newPerson } from '../../examples/shared-text/page/person.ts'
import { People } from '../../examples/shared-text/page/surroundings.ts'
import { TextBinding } from '../../examples/shared-text/page/text-binding.ts'
import { PoolProvider } from '../../examples/shared-text/provider/pool-provider.ts'
import type { SharedPool } from '../index.ts'
import { setText } from './dom.ts'
import { formatCount } from './format.ts'

/** As node/cli/demo-text.ts has it. */
const maxTextBytes = 256 * 1_024

export interface EditorParts {
  /** The name of the document. */
  readonly room: string
  readonly pool: SharedPool
  readonly field: HTMLTextAreaElement
  /** Behind the field, for the cursors of others. */
  readonly layer: HTMLElement
  readonly people: HTMLElement
  readonly status: HTMLElement
}

export function openEditor({ room, pool, field, layer, people, status }: EditorParts): void {
  const doc = new Y.Doc()
  const provider = new PoolProvider(room, doc, pool, { maxDocumentBytes: maxTextBytes })
  const { awareness } = provider
  const text = doc.getText('text')
  const person = newPerson()
  awareness.setLocalStateField('user', person)
  new TextBinding(field, text)
  new Cursors({ field, layer, text, awareness })
  new People(people, awareness)
  let members = 0
  let problem = ''
  const draw = (): void => {
    const where = members === 0 ? 'Waiting for others' : `Shared with ${formatCount(members, 'peer')}`
    setText(status, problem || `${where}. You write as ${person.name}.`)
  }
  provider.on('peers', ({ peers }) => {
    members = peers.length
    draw()
  })
  provider.on('refused', ({ reason }) => {
    problem = `Not everything is shared: ${reason}.`
    draw()
  })
  field.disabled = false
  field.placeholder = 'Write something. All who have this page open see it.'
  draw()
}
