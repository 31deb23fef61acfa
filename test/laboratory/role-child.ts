/** A process that plays one role until its parent is gone. Uncaught errors end it, as they end any program. */
import { definedRole, type FromChild, type ToChild } from './role.ts'

let verbs: Record<string, (...args: unknown[]) => unknown> = {}

process.on('disconnect', () => process.exit(0))
process.on('message', (message: ToChild) => {
  if (message.kind === 'play') void begin(message)
  else void answer(message)
})

async function begin({ file, role, args }: Extract<ToChild, { kind: 'play' }>): Promise<void> {
  try {
    await import(file)
    const found = definedRole(file, role)
    if (found === undefined) throw new Error(`${file} defines no role ${role}`)
    verbs = (await found.play(args as never)) as unknown as typeof verbs
    tell({ kind: 'playing' })
  } catch (error) {
    tell({ kind: 'failed', call: undefined, message: textOf(error) })
  }
}

async function answer({ call, verb, args }: Extract<ToChild, { kind: 'call' }>): Promise<void> {
  try {
    const asked = verbs[verb]
    if (asked === undefined) throw new Error(`the role has no verb ${verb}`)
    tell({ kind: 'answer', call, value: await asked(...args) })
  } catch (error) {
    tell({ kind: 'failed', call, message: textOf(error) })
  }
}

function tell(message: FromChild): void {
  process.send?.(message)
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
