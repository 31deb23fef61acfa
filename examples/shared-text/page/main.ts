/** The page: a pool, a document, the provider between them, and a text field. */
import { createWebPeer, type SharedPool } from 'p2p-pool/web'
import * as Y from 'yjs'
import { PoolProvider } from '../provider/pool-provider.ts'
import { Cursors } from './cursors.ts'
import { newPerson, remember, tidyName } from './person.ts'
import { loadSettings } from './settings.ts'
import { People, Status } from './surroundings.ts'
import { TextBinding } from './text-binding.ts'

/** What runs in the page. */
export interface Shared {
  readonly provider: PoolProvider
  readonly pool: SharedPool
}

declare global {
  /** For the console, and for tests. */
  var sharedText: Shared | undefined
}

const maxRoomLength = 64

/** The document's name is in the address: all who open the same one edit the same text. */
function roomOfPage(): string {
  return new URL(location.href).searchParams.get('doc')?.trim().slice(0, maxRoomLength) || 'welcome'
}

async function start(): Promise<void> {
  const room = roomOfPage()
  byId('room').textContent = room
  document.title = `${room} – Shared text`
  const { network, trustedPoints } = await loadSettings()
  const pool = await createWebPeer({ network, trustedPoints, name: 'shared-text' })
  const doc = new Y.Doc()
  const provider = new PoolProvider(room, doc, pool)
  globalThis.sharedText = { provider, pool }

  const text = doc.getText('text')
  const field = byId('field', HTMLTextAreaElement)
  const { awareness } = provider
  const person = newPerson()
  awareness.setLocalStateField('user', person)
  new TextBinding(field, text)
  new Cursors({ field, text, awareness, layer: byId('layer') })
  new People(byId('people'), awareness)
  new Status({ provider, pool, line: byId('status'), server: byId('server'), size: byId('size') })
  field.disabled = false
  field.placeholder = 'Write something. Everyone who opens this address sees it.'

  const name = byId('name', HTMLInputElement)
  name.value = person.name
  name.style.setProperty('--color', person.color)
  name.addEventListener('change', () => {
    const chosen = tidyName(name.value) ?? person.name
    name.value = chosen
    remember(chosen)
    awareness.setLocalStateField('user', { ...person, name: chosen })
  })
}

function byId<Found extends HTMLElement = HTMLElement>(id: string, type?: new () => Found): Found {
  const found = document.getElementById(id)
  if (!(found instanceof (type ?? HTMLElement))) throw new Error(`the page has no #${id} of the right kind`)
  return found as Found
}

byId('copy').addEventListener('click', async () => {
  const url = new URL(location.href)
  url.searchParams.set('doc', roomOfPage())
  const copied = await navigator.clipboard.writeText(url.href).then(
    () => 'Copied',
    () => 'Copy the address bar'
  )
  byId('copy').textContent = copied
})

start().catch((error: unknown) => {
  console.error('the shared text could not start', error)
  const failure = byId('failure')
  failure.textContent = `${error instanceof Error ? error.message : String(error)} Reload the page to try again.`
  failure.hidden = false
  document.body.dataset.phase = 'failed'
})
