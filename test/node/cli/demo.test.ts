/** The command itself, as a process of its own; what the page and the peers do with each other is what `--check` is for. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../../node/cli/demo-facts.ts'

const program = fileURLToPath(new URL('../../../node/cli/demo.ts', import.meta.url))
/** It takes two seconds, and many times that on a busy machine. */
const startDeadlineMs = 25_000

describe('npm run demo', () => {
  /** All its temporary files, and nobody else's. */
  let folder: string
  let running: ChildProcess[]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'demo-test-'))
    running = []
  })
  afterEach(async () => {
    for (const child of running) child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })

  function start(...args: string[]) {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, TMPDIR: folder, npm_lifecycle_event: undefined },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    running.push(child)
    const seen = { output: '', errors: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      seen.output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      seen.errors += text
    })
    const ended = once(child, 'close').then(([status]) => status as number | null)
    const url = () =>
      eventually(() => /^The page: (\S+)$/m.exec(seen.output)?.[1], { withinMs: startDeadlineMs, expected: 'a URL', seen: () => seen })
    return { child, seen, ended, url }
  }

  test('prints the URL when the page can be used; Ctrl-C ends it well and leaves nothing', async () => {
    const demo = start()
    const url = await demo.url()
    expect(await (await fetch(url)).text()).toContain('This page is a peer')
    expect(await (await fetch(`${url}demo.json`)).json()).toMatchObject({ network: 'p2p-pool-demo' })
    expect(await readdir(folder)).toHaveLength(1)
    demo.child.kill('SIGINT')
    expect(await demo.ended).toBe(0)
    expect(demo.seen.errors).toBe('')
    expect(await readdir(folder)).toEqual([])
    await expect(fetch(url)).rejects.toThrow()
  })

  test('a Ctrl-C while it is still starting leaves nothing either, and is not a good end', async () => {
    const demo = start()
    await eventually(async () => ((await readdir(folder)).length > 0 ? true : undefined), { expected: 'its folder' })
    demo.child.kill('SIGINT')
    expect(await demo.ended).toBe(130)
    expect(await readdir(folder)).toEqual([])
  })

  test('a second Ctrl-C does not wait, and still leaves no file', async () => {
    const demo = start()
    await demo.url()
    demo.child.kill('SIGTERM')
    demo.child.kill('SIGINT')
    expect([0, 130, 143]).toContain(await demo.ended)
    expect(await readdir(folder)).toEqual([])
  })

  test('a taken port is one clear sentence', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as AddressInfo
    const demo = start('--port', String(port))
    expect(await demo.ended).toBe(1)
    taken.close()
    expect(demo.seen.errors).toBe(
      `port ${port} of 127.0.0.1 is taken by another program; choose another one with --port, or none for a free one\n`
    )
    expect(await readdir(folder)).toEqual([])
  })

  test('words that mean nothing are refused with what can be said', async () => {
    const demo = start('--chek')
    expect(await demo.ended).toBe(2)
    expect(demo.seen.errors).toMatch(/--chek[\s\S]*--screenshot/)
  })
})
