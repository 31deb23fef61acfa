/** Runs one section in the namespaces that `run.ts` made for it, and says what it found. With it everything that it started ends. */
import { readFileSync } from 'node:fs'
import { Lab } from '../laboratory/lab.ts'
import { Pages } from './kit/pages.ts'
import type { Findings } from './section.ts'
import { sections } from './sections/index.ts'

// The runner is gone: so are we.
process.on('disconnect', () => process.exit(1))
// The first process of a process namespace hears no signal without a listener of its own.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

const [name, chromium = '', script = ''] = process.argv.slice(2)
const findings = await run()
process.send?.(findings, () => process.exit(0))

async function run(): Promise<Findings> {
  const section = sections.find((candidate) => candidate.name === name)
  if (section === undefined) return { text: '', missed: [`there is no section ${name}`] }
  const lab = new Lab()
  try {
    const pages = new Pages({ chromium, script: readFileSync(script, 'utf8') })
    return await section.run({ lab, pages, log: (line) => console.log(`  ${line}`) })
  } catch (error) {
    console.error(error)
    return { text: '', missed: [`broke off: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`] }
  } finally {
    lab.close()
  }
}
