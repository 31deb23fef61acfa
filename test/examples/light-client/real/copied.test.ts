/** The example as a person has it who copied its folder: on the packed package, with the packages that it declares and no others. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { type Consumer, packAndInstall, runNode } from '../../../package/packed.ts'

const modules = fileURLToPath(new URL('../../../../node_modules', import.meta.url))
let consumer: Consumer | undefined

afterAll(() => consumer?.remove())

test('a copy of the folder compiles, builds its page and serves it', async () => {
  consumer = await packAndInstall()
  const folder = await consumer.copyExample('light-client')
  await Promise.all([
    runNode([join(modules, '@typescript/native/bin/tsc'), '-p', '.'], folder),
    runNode([join(modules, 'vite/bin/vite.js'), 'build', 'page', '--logLevel', 'error'], folder)
  ])
  const server = spawn(process.execPath, [join(folder, 'serve.ts'), '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [said] = (await once(server.stdout, 'data', { signal: AbortSignal.timeout(30_000) })) as [Buffer]
    const url = /http:\S+/.exec(String(said))?.[0] ?? ''
    expect(await (await fetch(url)).text()).toContain('<title>Light client</title>')
    expect(await (await fetch(`${url}settings.json`)).json()).toMatchObject({ firstPoints: { length: 3 } })
    server.kill('SIGINT')
    expect((await once(server, 'exit'))[0]).toBe(0)
  } finally {
    server.kill('SIGKILL')
  }
}, 180_000)
