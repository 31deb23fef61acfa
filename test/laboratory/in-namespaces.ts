/**
 * Runs a module in network, mount and process namespaces of its own. They vanish with it, and all that it started: the kernel cleans up, however
 * the run ends. Used by `npm run attacks` and `npm run lab`, which need root for it.
 */
import { type ChildProcess, spawn } from 'node:child_process'

const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']

const running = new Set<ChildProcess>()

/** All runs end with this process, also at a signal. */
export function endRunsWithProcess(): void {
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL')
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130))
}

/** Resolves with the first message that the module sends. Rejects when it ends before, or after the deadline. */
export function runInNamespaces(file: string, { args, deadlineMs }: { args: readonly string[]; deadlineMs: number }): Promise<unknown> {
  const child = spawn('unshare', [...namespaces, process.execPath, '--expose-gc', file, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  running.add(child)
  const result = new Promise<unknown>((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(why))
    const timer = setTimeout(() => fail(`no result within ${deadlineMs / 1_000} s`), deadlineMs)
    child.once('message', resolve)
    child.once('error', (error) => fail(`could not start: ${error.message}`))
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      fail(`ended without a result (${signal ?? code})`)
    })
  })
  return result.finally(() => {
    running.delete(child)
    child.kill('SIGKILL')
  })
}
