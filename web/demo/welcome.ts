/** What a first visitor reads: what this page is and what to try. Once put away it stays away. */
import { byId, setHidden } from './dom.ts'
import { recall, remember } from './remembered.ts'

export function listenForWelcome(): void {
  const welcome = byId('welcome', HTMLElement)
  const button = byId('welcome-done', HTMLButtonElement)
  setHidden(welcome, recall('welcomed') !== undefined)
  button.addEventListener('click', () => {
    remember('welcomed', new Date().toISOString())
    setHidden(welcome, true)
    byId('band', HTMLElement).focus()
  })
}
