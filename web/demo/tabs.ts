/**
 * What this tab is to the others of the same browser: the one that runs the pool, one that follows it, or a peer of its own;
 * and what a person reads when that changes.
 */
import type { PoolSnapshot } from '../../src/core/index.ts'
import type { SharedPool } from '../index.ts'
import { byId, setAttribute, setHidden, setText } from './dom.ts'
import type { DemoSettings } from './settings.ts'
import { showLife } from './status.ts'

export interface TabsView {
  /** None: nothing came from the tab that runs the pool yet. */
  show(snapshot: PoolSnapshot | undefined): void
}

/** Listens from now on. */
export function followTabs(pool: SharedPool, { tabs }: Pick<DemoSettings, 'tabs'>, redraw: () => void): TabsView {
  const banner = byId('following', HTMLDivElement)
  const title = byId('following-title', HTMLElement)
  const text = byId('following-text', HTMLSpanElement)
  const link = byId('other-tab', HTMLAnchorElement)
  let trouble = ''
  if (tabs === 'own') {
    setText(link, 'Open a tab that shares the pool of this browser')
    setAttribute(link, 'href', '?')
  }
  pool.addEventListener('role-changed', () => {
    trouble = ''
    redraw()
  })
  pool.addEventListener('owner-failed', ({ detail }) => {
    trouble = `It could not be started: ${detail.message}. It is tried again.`
    redraw()
  })
  pool.addEventListener('other-version', ({ detail }) => {
    trouble = `Another tab has ${String(detail.theirs) > String(detail.ours) ? 'a newer' : 'an older'} version of this page: reload the older one.`
    redraw()
  })
  return {
    show(snapshot) {
      const words = wordsForTab(pool, trouble)
      setHidden(banner, words === undefined)
      setText(title, words?.title ?? '')
      setText(text, words?.text ?? '')
      setAttribute(document.body, 'data-role', pool.role)
      if (snapshot === undefined) showLife('created')
    }
  }
}

/** Nothing to say of a tab that runs the pool without trouble. */
export function wordsForTab(
  { role, hasOwner }: Pick<SharedPool, 'role' | 'hasOwner'>,
  trouble: string
): { readonly title: string; readonly text: string } | undefined {
  if (trouble !== '') return { title: hasOwner ? 'Tabs of this page do not agree.' : 'No tab runs the pool.', text: trouble }
  if (role === 'owner') return undefined
  if (!hasOwner)
    return {
      title: 'No tab runs the pool at the moment.',
      text: 'This one or another takes over within seconds; shown is what was last known.'
    }
  return {
    title: 'This tab follows another one of this browser, which runs the pool.',
    text: 'Both show the same peer; what you do here is done there. When that tab goes, this one takes over.'
  }
}
