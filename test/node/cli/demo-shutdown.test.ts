import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { Shutdown } from '../../../node/cli/demo-shutdown.ts'

/** A part that writes down when it stops. */
function part(name: string, stopped: string[], stop: () => Promise<void> = async () => undefined) {
  return {
    start: async () => name,
    stop: async (started: string) => {
      await stop()
      stopped.push(started)
    }
  }
}

describe('the end of the demo', () => {
  test('parts stop from the last to the first, each after the one before it has stopped', async () => {
    const shutdown = new Shutdown()
    const stopped: string[] = []
    await shutdown.own('folder', part('folder', stopped))
    await shutdown.own(
      'server',
      part('server', stopped, () => new Promise((resolve) => setTimeout(resolve, 5)))
    )
    expect(await shutdown.stopAll()).toEqual([])
    expect(stopped).toEqual(['server', 'folder'])
  })

  test('a part that is still starting when the end comes is stopped once it has started', async () => {
    const shutdown = new Shutdown()
    const stopped: string[] = []
    const slow = Promise.withResolvers<string>()
    const owned = shutdown.own('slow', { ...part('slow', stopped), start: () => slow.promise })
    const stopping = shutdown.stopAll()
    expect(stopped).toEqual([])
    slow.resolve('slow')
    expect(await owned).toBe('slow')
    expect(await stopping).toEqual([])
    expect(stopped).toEqual(['slow'])
  })

  test('a part that could not start is not stopped', async () => {
    const shutdown = new Shutdown()
    const stopped: string[] = []
    await expect(shutdown.own('broken', { ...part('broken', stopped), start: () => Promise.reject(new Error('no port')) })).rejects.toThrow(
      'no port'
    )
    expect(await shutdown.stopAll()).toEqual([])
    expect(stopped).toEqual([])
  })

  test('nothing starts any more once the end was asked for', async () => {
    const shutdown = new Shutdown()
    shutdown.request({ status: 130, message: undefined })
    let started = false
    const late = shutdown.own('late', {
      start: async () => {
        started = true
      },
      stop: async () => undefined
    })
    await expect(late).rejects.toThrow('stopped')
    expect(started).toBe(false)
  })

  test('a part that hangs or fails is reported, and delays no other part', async () => {
    const shutdown = new Shutdown({ deadlineMs: 20 })
    const stopped: string[] = []
    await shutdown.own('folder', part('folder', stopped))
    await shutdown.own(
      'server',
      part('server', stopped, () => Promise.reject(new Error('already closed')))
    )
    await shutdown.own(
      'network',
      part('network', stopped, () => new Promise(() => undefined))
    )
    expect(await shutdown.stopAll()).toEqual(['network did not stop in time', 'server failed to stop: already closed'])
    expect(stopped).toEqual(['folder'])
  })

  test('the first request counts; stopping is none', async () => {
    const shutdown = new Shutdown()
    await shutdown.stopAll()
    expect(shutdown.isRequested).toBe(false)
    shutdown.crashed('The server', 'it broke')
    shutdown.request({ status: 130, message: undefined })
    expect(await shutdown.requested).toEqual({ status: 1, message: expect.stringMatching(/The server broke.*it broke/) })
  })

  test('Ctrl-C is a good end once the demo is up, a crash never is', async () => {
    const up = new Shutdown()
    up.expectEnd()
    up.request({ status: 130, message: undefined })
    expect((await up.requested).status).toBe(0)

    const crashed = new Shutdown()
    crashed.expectEnd()
    crashed.crashed('Node peer 3', 'it stopped by itself')
    expect((await crashed.requested).status).toBe(1)
  })
})

describe('a program that ends by signals', () => {
  let child: ChildProcess

  afterEach(() => {
    child.kill('SIGKILL')
  })

  /** Its only part takes so long to stop. */
  async function start(stopMs: number): Promise<{ text(): string; ended: Promise<number | null> }> {
    const program = fileURLToPath(new URL('demo-shutdown-child.ts', import.meta.url))
    child = spawn(process.execPath, [program, String(stopMs)], {
      env: { ...process.env, npm_lifecycle_event: undefined },
      stdio: ['ignore', 'pipe', 'inherit']
    })
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    const ended = once(child, 'close').then(([status]) => status as number | null)
    await expect.poll(() => text, { timeout: 20_000 }).toBe('up\n')
    return { text: () => text, ended }
  }

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s: its parts stop, and it ends with status 0', async (signal) => {
    const { text, ended } = await start(50)
    child.kill(signal)
    expect(await ended).toBe(0)
    expect(text()).toBe('up\nstopping\nstopped\n')
  })

  test('a second signal ends it at once', async () => {
    const { text, ended } = await start(7_000)
    child.kill('SIGTERM')
    await expect.poll(text, { timeout: 20_000 }).toBe('up\nstopping\n')
    child.kill('SIGHUP')
    expect(await ended).toBe(129)
    expect(text()).toBe('up\nstopping\n')
  })
})
