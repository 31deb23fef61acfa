#!/usr/bin/env node
/** The command `p2p-pool`: one process around `program.ts`, with its signals. */
import { exitStatus } from './exit-status.ts'
import { runCommandLine } from './program.ts'
import { processTerminal } from './terminal.ts'
import { processOutput } from './text-output.ts'

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

/** For verbs that run until they are ended; to others a signal does what it always does. A second signal waits for no goodbyes. */
function untilEnded(): AbortSignal {
  const end = new AbortController()
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

// The reader of our output may end first, as `head` does.
process.stdout.on('error', () => process.exit(0))

const status = await runCommandLine(process.argv.slice(2), { out: processOutput(), untilEnded, terminal: processTerminal() })
// What was written must be out; and a handle that some library forgot must not keep the process.
process.stdout.write('', () => process.exit(status))
