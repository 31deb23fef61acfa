/**
 * Runs one row in the namespaces that `run.ts` made for it, and tells what came of it. It is the first process there: with it
 * everything that it started ends.
 */

import { Lab } from '../../laboratory/lab.ts'
import { rows } from '../rows/index.ts'
import { addAddresses } from './hosts.ts'
import type { Finding } from './row.ts'

// The runner is gone: so are we.
process.on('disconnect', () => process.exit(1))
// The first process of a process namespace hears no signal without a listener of its own.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

const finding = await measure(process.argv[2] ?? '')
process.send?.(finding, () => process.exit(0))

async function measure(name: string): Promise<Finding> {
  const row = rows.find((candidate) => candidate.name === name)
  if (row === undefined) return { measured: `there is no row ${name}`, verdict: 'missed' }
  const lab = new Lab()
  try {
    addAddresses()
    return await row.run(lab)
  } catch (error) {
    console.error(error)
    return { measured: `broke off: ${error instanceof Error ? firstLine(error.message) : String(error)}`, verdict: 'missed' }
  } finally {
    lab.close()
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
