/** A peer whose data folder or peers file is taken from it. Locks and retries take seconds, so these tests wait together. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test as base, describe, expect, vi } from 'vitest'
import { command, endOf, loopback, type NodeProcess, startNode, temporaryFolder } from './running.ts'

interface Place {
  readonly folder: string
  /** Starts a peer on the folder, which is killed when the test ends. */
  start(): Promise<NodeProcess>
}

const test = base.extend<{ place: Place }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  place: async ({}, use) => {
    const folder = await temporaryFolder()
    const children: ChildProcess[] = []
    await use({
      folder: folder.path,
      async start() {
        const node = await startNode(folder.path, '--band', '0,0,4', ...loopback)
        children.push(node.child)
        return node
      }
    })
    for (const child of children) child.kill('SIGKILL')
    await folder.remove()
  }
})

describe.concurrent('what a peer keeps', () => {
  test.for([
    ['', []],
    [', and ends by a signal at that moment', ['SIGTERM']],
    [', and ends at once by two signals', ['SIGTERM', 'SIGINT']]
  ] as const)(
    'in a data folder is taken by another peer when the first stands still; that leaves what is not its own%s',
    { timeout: 60_000 },
    async ([, signals], { place: { folder, start } }) => {
      const first = await start()
      let said = ''
      first.child.stdout?.on('data', (chunk) => {
        said += chunk
      })
      first.child.kill('SIGSTOP')
      // It waits until the lock of the first one is stale.
      const second = await start()
      const ended = once(first.child, 'close')
      for (const signal of signals) first.child.kill(signal)
      first.child.kill('SIGCONT')
      const [status] = await ended
      if (signals.length === 0) {
        expect(status).toBe(3)
        expect(JSON.parse(said)).toMatchObject({
          error: { code: 'held', message: expect.stringMatching(`the lock of ${folder} was lost`) }
        })
      }
      expect(Number(await readFile(join(folder, 'node.pid'), 'utf8'))).toBe(second.child.pid)
      expect((await lstat(join(folder, 'control.sock'))).isSocket()).toBe(true)
      // Beyond the second one's next look at its own lock.
      await sleep(1_500)
      expect((await command(['status', '--data', folder])).status).toBe(0)
      expect(await endOf(second.child, 'SIGTERM')).toBe(0)
    }
  )

  test('in a peers file that is a folder is not kept: reported at start, and again when it works', { timeout: 60_000 }, async ({
    place: { folder, start }
  }) => {
    const file = join(folder, 'peers.json')
    await mkdir(file)
    const node = await start()
    expect(node.complaint()).toMatch(`warning: the storage ${file} failed`)
    expect(node.complaint()).toMatch(`${file} should be a file, but it is a folder`)
    await rmdir(file)
    await vi.waitFor(() => expect(node.complaint()).toMatch(`the storage ${file} works again`), { timeout: 20_000 })
  })
})
