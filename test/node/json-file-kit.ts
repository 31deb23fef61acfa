/** What the tests of the JSON file share: the storage opened for one act, and a process of its own that uses the same file. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { jsonFileStorage } from '../../node/json-file.ts'
import type { PeerStorage } from '../../src/core/values/ports.ts'

export const never = new AbortController().signal
export const child = fileURLToPath(new URL('json-file-child.ts', import.meta.url))

export async function withStorageAt<T>(path: string, act: (storage: PeerStorage) => Promise<T>): Promise<T> {
  const storage = jsonFileStorage(path)
  await storage.open(never)
  try {
    return await act(storage)
  } finally {
    await storage.close()
  }
}

export interface OtherProcess {
  readonly process: ChildProcess
  /** What it says. */
  readonly lines: AsyncIterator<string>
  readonly ended: Promise<void>
}

/** The caller kills it. */
export function startChild(...args: string[]): OtherProcess {
  const started = spawn(process.execPath, [child, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => started.once('close', () => resolve()))
  return { process: started, lines: createInterface({ input: started.stdout })[Symbol.asyncIterator](), ended }
}
