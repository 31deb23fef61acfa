/** Keeps what happens to the pool of this page, and saves it as a file for `p2p-pool replay`. Loaded before the pool starts: a recording has its beginning. */
import type { Recording } from '../../src/recording/index.ts'
import { byId } from './dom.ts'
import type { Page } from './page.ts'

/** What a page without it works without. */
export async function startRecording(): Promise<Recording | undefined> {
  try {
    const { Recording: Made } = await import('../../src/recording/index.ts')
    return new Made()
  } catch (error) {
    console.warn('nothing is recorded', error)
    return undefined
  }
}

/** Makes the button work. */
export function listenForSave({ pool, notices }: Pick<Page, 'pool' | 'notices'>, recording: Recording | undefined): void {
  byId('save-recording', HTMLButtonElement).addEventListener('click', () => {
    void notices.run('Could not save what happened', async () => {
      if (pool.role !== 'owner' || recording === undefined) {
        notices.say({ text: 'The pool runs in another tab: save what happened there.' })
        return
      }
      const file = await recording.save()
      const url = URL.createObjectURL(new Blob([file], { type: 'application/gzip' }))
      const link = document.createElement('a')
      link.href = url
      link.download = `${pool.snapshot()?.peerId.slice(-8) ?? 'pool'}.p2p-recording`
      link.click()
      // The browser has taken it over by then, however large it is.
      setTimeout(() => URL.revokeObjectURL(url), 60_000)
      const { fullAt = null } = recording.status ?? {}
      const until = fullAt === null ? '' : ` It was full at ${new Date(fullAt).toLocaleTimeString()} and ends there.`
      notices.say({
        text: `Saved as ${link.download}: all since this page was opened.${until} Run it again, in a checkout: npm run p2p-pool -- replay FILE; elsewhere: npx p2p-pool replay FILE. It names peers and addresses, and holds no message.`
      })
    })
  })
}
