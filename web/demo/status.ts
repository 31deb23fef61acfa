/** How the pool itself is: its life, its storage, what went wrong lately. */
import type { PoolSnapshot, PoolStatus, StorageFailure, StorageSnapshot } from '../../src/core/index.ts'
import { messageOf } from '../../src/core/values/reason.ts'
import { byId, setAttribute, setHidden, setText } from './dom.ts'
import { formatAgo, formatCount, shortenIds } from './format.ts'
import type { Page, Part } from './page.ts'
import type { DemoSettings } from './settings.ts'
import { fact } from './widgets.ts'

const lifeWords: Readonly<Record<PoolStatus | 'offline' | 'failed', string>> = {
  created: 'Starting',
  starting: 'Starting',
  running: 'Running',
  suspended: 'Suspended',
  stopped: 'Stopped',
  destroyed: 'Destroyed',
  offline: 'Offline',
  failed: 'Could not start'
}

const failureWords: Readonly<Record<StorageFailure, string>> = {
  locked: 'another tab of this page has it',
  unavailable: 'the browser does not give its database',
  'no-permission': 'the browser does not allow it',
  full: 'no space is left',
  'too-large': 'what was kept is too large',
  broken: 'what was kept is damaged; it was quarantined',
  'newer-version': 'what was kept is of a newer version of this page'
}

/** Also what is shown while there is no pool yet: `created`. */
export function showLife(status: PoolStatus | 'offline' | 'failed'): void {
  setText(byId('life', HTMLSpanElement), lifeWords[status])
  setAttribute(document.body, 'data-life', status)
}

/** A pool whose page is offline is suspended; before it knows, it runs or starts. */
export function isOffline({ status }: Pick<PoolSnapshot, 'status'>): boolean {
  return !navigator.onLine && status !== 'stopped' && status !== 'destroyed'
}

/** Errors that nobody caught are counted from the moment of the call on. */
export function statusPart({ pool }: Pick<Page, 'pool'>, { tabs }: Pick<DemoSettings, 'tabs'>, redraw: () => void): Part {
  const list = byId('status', HTMLDListElement)
  const network = fact('Network')
  const who = fact('Identity')
  const tab = fact('This tab')
  const storage = fact('Memory')
  const problem = fact('Storage problem')
  const known = fact('Known')
  const mode = fact('Mode')
  const errors = fact('Errors')
  for (const [name, { element }] of Object.entries({
    network,
    identity: who,
    tab,
    storage,
    'storage-problem': problem,
    known,
    mode,
    'page-errors': errors
  })) {
    setAttribute(element, 'data-testid', `status-${name}`)
  }
  list.append(network.element, known.element, mode.element, tab.element, who.element, storage.element, problem.element, errors.element)

  let storageMessage = ''
  pool.addEventListener('storage-failed', ({ detail }) => {
    storageMessage = detail.message
  })
  let pageErrors = 0
  let lastError = ''
  const count = (error: unknown) => {
    pageErrors += 1
    lastError = messageOf(error)
    redraw()
  }
  addEventListener('error', ({ error, message }) => count(error ?? message))
  addEventListener('unhandledrejection', ({ reason }) => count(reason))

  return {
    show({ snapshot, now }) {
      showLife(isOffline(snapshot) ? 'offline' : snapshot.status)
      setText(byId('network', HTMLSpanElement), snapshot.network)
      network.show(snapshot.network)
      tab.show(
        tabs === 'own'
          ? 'A peer of its own'
          : pool.role === 'owner'
            ? 'Runs the pool; other tabs follow it'
            : 'Follows the tab that runs the pool'
      )
      who.show(identityWords(pool.identity))
      known.show(`${formatCount(snapshot.points.length, 'point')}, ${formatCount(snapshot.peers.length, 'peer')}`)
      mode.show(snapshot.privateMode ? 'Private: trusted points and peers only' : '')
      storage.show(storageWords(snapshot.storage, now))
      setAttribute(storage.element, 'data-mode', snapshot.storage.mode)
      problem.show(snapshot.storage.failure === null ? '' : shortenIds(storageMessage))
      errors.show(pageErrors === 0 ? 'None' : `${pageErrors}; the last: ${shortenIds(lastError)}`)
      setHidden(byId('offline', HTMLDivElement), navigator.onLine)
    }
  }
}

function identityWords(identity: Page['pool']['identity']): string {
  if (identity === undefined) return ''
  return identity.persistent ? 'Kept in this browser' : `New at each visit${identity.notice === undefined ? '' : `: ${identity.notice}`}`
}

/** Whether a reload will find what the pool learned, and if not, why. */
export function storageWords({ mode, failure, lastSavedAt, unsavedChanges }: StorageSnapshot, now: number): string {
  if (mode === 'loading') return 'Loading…'
  if (mode === 'memory') return `Only until the page is closed${failure === null ? '' : `: ${failureWords[failure]}`}`
  const saved = lastSavedAt === null ? 'not saved yet' : `saved ${formatAgo(lastSavedAt, now)}`
  return `Kept in this browser, ${saved}${unsavedChanges ? '; the newest changes are not saved yet' : ''}`
}
