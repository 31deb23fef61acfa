/** The fact about what happened: saved in a page by its button, and run again by the command to the same state. */
import { runCommandLine } from '../command/program.ts'
import type { CheckContext } from './demo-check-context.ts'
import { expectThat } from './demo-facts.ts'
import type { DemoTab } from './demo-tab.ts'

interface Replayed {
  readonly isSame: boolean
  readonly hash: string
  readonly peerId: string
  readonly turns: number
  readonly divergence?: unknown
}

export async function checkRecording({ facts, first }: Pick<CheckContext, 'facts' | 'first'>): Promise<void> {
  await facts.holds('what happened is saved in page 1, and p2p-pool replay runs it to the same state', () => replaysToTheSame(first))
}

async function replaysToTheSame(tab: DemoTab): Promise<string> {
  const saving = tab.page.waitForEvent('download')
  await tab.page.locator('[data-action="save-recording"]').click()
  const download = await saving
  let text = ''
  const out = {
    write: (part: string) => {
      text += part
    },
    complain: (part: string) => {
      text += part
    },
    hasColors: false
  }
  const surroundings = { out, untilEnded: () => new AbortController().signal, terminal: undefined }
  const status = await runCommandLine(['replay', '--quiet', '--json', await download.path()], surroundings)
  const { snapshot: _, ...result } = JSON.parse(text) as Replayed & { readonly snapshot: unknown }
  expectThat(status === 0 && result.isSame && result.peerId === tab.peerId, {
    expected: `status 0 and the same state of ${tab.peerId}`,
    seen: { status, ...result }
  })
  return `${download.suggestedFilename()}, ${result.turns} turns, hash ${result.hash}`
}
