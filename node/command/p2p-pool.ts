#!/usr/bin/env node
/** The command `p2p-pool`: one process around `program.ts`, with its signals. */
import { codeOf } from '../system-error.ts'
import { exitStatus } from './exit-status.ts'
import { runCommandLine } from './program.ts'
import { processTerminal } from './terminal.ts'
import { processOutput } from './text-output.ts'

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

const end = new AbortController()

/** For verbs that run until they are ended; to others a signal does what it always does. A second signal waits for no goodbyes. */
function untilEnded(): AbortSignal {
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (end.signal.aborted) process.exit(128 + signalNumbers[name])
      end.abort()
    })
  }
  return end.signal
}

if (Number.parseInt(process.versions.node, 10) < 22) {
  console.error(`p2p-pool needs Node 22 or newer; this is Node ${process.versions.node}`)
  process.exit(exitStatus.usage)
}

const isNode = process.argv[2] === 'node'
let hasLost = false

// Nobody is left to complain to, and a peer must not end because of that.
process.stderr.on('error', () => undefined)
process.stdout.on('error', (error) => {
  // The reader of our output may end first, as `head` does. What did not fit on a disk is an error.
  if (codeOf(error) !== 'EPIPE' && !hasLost) {
    hasLost = true
    process.stderr.write(`p2p-pool: cannot write to standard output: ${error.message}\n`)
  }
  // A peer runs on; what only shows something has nobody to show it to.
  if (!isNode) end.abort()
})

const status = await runCommandLine(process.argv.slice(2), { out: processOutput(), untilEnded, terminal: processTerminal() })
// What was written must be out, and its errors heard; and a handle that some library forgot must not keep the process.
process.stdout.write('', () => setImmediate(() => process.exit(hasLost && status === exitStatus.done ? exitStatus.failed : status)))
