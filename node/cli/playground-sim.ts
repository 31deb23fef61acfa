/** The same world in a process of its own, by the command that the page shows. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Run } from './playground-visitor.ts'

const program = fileURLToPath(new URL('../../test/sim/run.ts', import.meta.url))
const plot = fileURLToPath(new URL('../../.cache/sim/playground-check.svg', import.meta.url))
const maxOutputBytes = 1 << 20

/** What `npm run sim` prints, by the name of the figure. Rejects if it fails, or the signal fires. */
export async function simulate(
  run: Run,
  signal: AbortSignal
): Promise<{ readonly tookS: number; readonly differences: readonly string[] }> {
  const args = [program, '--scenario', 'playground', '--world', run.world, '--seconds', String(run.seconds), '--plot', plot]
  const { stdout } = await promisify(execFile)(process.execPath, args, { signal, maxBuffer: maxOutputBytes })
  const figures = new Map([...stdout.matchAll(/^ {2}(\S.*?) {2,}(\S.*)$/gm)].map(([, name = '', value = '']) => [name, value]))
  return { tookS: Number.parseFloat(figures.get('took, s; memory, MiB') ?? ''), differences: differences(run.story, figures) }
}

/** Where the page's sentence and the terminal differ. The page says all figures from the 31st second on. */
function differences(story: string, figures: ReadonlyMap<string, string>): string[] {
  const figure = (start: string): string => [...figures].find(([name]) => name.startsWith(start))?.[1] ?? 'nothing'
  const [dials, opened] = figure('dials, of which connected').split(', ')
  const split = figure('seconds in parts')
  const expected = [
    `${figure('time with at least the minimum')} of the time`,
    split === '0' ? 'never in parts' : `in parts for ${split} s`,
    `${figure('deaths')} deaths`,
    `${dials} dials`,
    `${opened} connections`,
    `event log ${figure('event log')}.`
  ]
  return expected.filter((words) => !story.includes(words)).map((words) => `${words} is not in “${story}”`)
}
