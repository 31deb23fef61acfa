/** The Node peers of the example with real pools, and its command as a person runs it. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { type ChainNetwork, chainNetworkName, startChainNetwork } from '../../../../examples/light-client/node/chain-network.ts'
import type { HeaderPeer } from '../../../../examples/light-client/node/header-peer.ts'
import { createNodePeer, type NodePeer } from '../../../../node/index.ts'

describe('a Node peer', () => {
  let network: ChainNetwork | undefined
  let stranger: NodePeer | undefined

  afterEach(async () => {
    await stranger?.stop()
    await network?.stop()
    network = undefined
    stranger = undefined
  })

  const expectOut = async (guard: HeaderPeer, bytes: Uint8Array, detail: string): Promise<void> => {
    stranger = await createNodePeer({ network: chainNetworkName, listen: [], minConnections: 0, expectedConnections: 0 })
    const { point, expectedPeerId } = stranger.pool.parsePoint(guard.multiaddr('tcp'))
    const connection = await stranger.pool.connect(point, { expectedPeerId })
    await connection.send(bytes)
    const { by, reason } = await connection.closed
    expect([by, reason]).toEqual(['them', { kind: 'fault', detail: expect.stringContaining(detail) }])
    expect(guard.pool.peers.isBanned(stranger.pool.peerId)).toBe(true)
    await expect(stranger.pool.connect(point, { expectedPeerId })).rejects.toThrow()
    await stranger.stop()
  }

  test('disconnects and greylists a peer that sends bytes that are no message, and goes on with the others', async () => {
    network = await startChainNetwork({ history: 20, deceits: [] })
    const [, guard] = network.honest
    if (guard === undefined) throw new Error('no second peer')
    await expectOut(guard, Uint8Array.of(9, 9, 9), 'kind: 1, 2 or 3 expected, 9 came')
    await expectOut(guard, new Uint8Array(20_000), 'expected at most 16007 bytes, got 20000')
    await expectOut(guard, Uint8Array.of(2, 0, 0, 0, 1, 255, 255, 1), 'max: 1 to 200 expected, 65535 came')
    guard.makeHeader()
    const { hash } = guard.tree.head
    await expect.poll(() => network?.honest.every(({ tree }) => tree.get(hash) !== undefined), { timeout: 10_000 }).toBe(true)
  }, 30_000)
})

describe('npm run example:light-client', () => {
  const run = (args: readonly string[]) => {
    const cli = fileURLToPath(new URL('../run/cli.ts', import.meta.url))
    const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    return { child, ended, output: () => output }
  }

  test('says where the page is, serves it, and leaves nothing when it is interrupted', async () => {
    const { child, ended, output } = run([])
    try {
      await expect
        .poll(() => /The page: (http:\/\/127\.0\.0\.1:\d+\/)/.exec(output())?.[1], { timeout: 40_000, interval: 100 })
        .toBeDefined()
      const url = /The page: (\S+)/.exec(output())?.[1] ?? ''
      expect(await (await fetch(url)).text()).toContain('<title>Light client</title>')
      expect(await (await fetch(`${url}settings.json`)).json()).toMatchObject({ network: chainNetworkName, firstPoints: { length: 3 } })
      expect((await fetch(`${url}package.json`)).status).toBe(404)
      child.kill('SIGINT')
      expect(await ended).toBe(0)
      expect(output()).toContain('Stopped; nothing is left.')
      await expect(fetch(url)).rejects.toThrow()
    } finally {
      child.kill('SIGKILL')
    }
  }, 60_000)

  test.each([
    [['--help'], 0, 'npm run example:light-client [-- options]'],
    [['--port', 'x'], 2, '--port: expected a whole number from 1 to 65535, got "x"'],
    [['--prot', '1'], 2, "Unknown option '--prot'"],
    [['--screenshot', 'x.jpg'], 2, '--screenshot: expected the path of a .png file, got "x.jpg"']
  ])('%j: ends with status %i', async (args, status, text) => {
    const { ended, output } = run(args)
    expect(await ended).toBe(status)
    expect(output()).toContain(text)
  })
})
