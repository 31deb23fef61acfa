/** Ties the shared text to its field: document, provider, cursors, who is here. Loaded by shared-text.ts, with Yjs. */
import * as Y from 'yjs'
import { Cursors } from '../../examples/shared-text/page/cursors.ts'
import { newPerson } from '../../examples/shared-text/page/person.ts'
import { People } from '../../examples/shared-text/page/surroundings.ts'
import { TextBinding } from '../../examples/shared-text/page/text-binding.ts'
import { PoolProvider } from '../../examples/shared-text/provider/pool-provider.ts'
import type { PeerId } from '../../src/core/index.ts'
import type { SharedPool } from '../index.ts'
import { setText } from './dom.ts'
import { formatCount } from './format.ts'
import { aboutOf } from './names.ts'

/** As node/cli/demo-text.ts has it. */
const maxTextBytes = 256 * 1_024

/** A peer that came has said its name by then, ms. */
const namedMs = 2_000

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
  let members: readonly PeerId[] = []
  let problem = ''
  const draw = (): void => {
    const where = sharedWith(members)
    setText(status, problem || `${where}. You write as ${person.name}.`)
  }
  provider.on('peers', ({ peers }) => {
    members = peers
    draw()
    // The names of new peers are known a little later.
    setTimeout(draw, namedMs)
  })
  provider.on('refused', ({ reason }) => {
    problem = `Not everything is shared: ${reason}.`
    draw()
  })
  field.disabled = false
  field.placeholder = 'Write something. All who have this page open see it.'
  draw()
}

/** The relay has the text, and is nobody who writes. */
function sharedWith(members: readonly PeerId[]): string {
  const relays = members.filter((peerId) => aboutOf(peerId)?.kind === 'relay').length
  const others = members.length - relays
  if (members.length === 0) return 'Waiting for others'
  if (others === 0) return 'The relay has a copy; no other peer is here yet'
  return `Shared with ${formatCount(others, 'peer')}${relays === 0 ? '' : ' and the relay'}`
}
