/** `p2p-pool why` of hosts and ranges, against a real `p2p-pool node`. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ControlClient } from '../../../node/command/control-client.ts'
import { command, endOf, loopback, type NodeProcess, startNode, type TemporaryFolder, temporaryFolder } from './running.ts'

let folder: TemporaryFolder
let running: NodeProcess

const on = (...args: readonly string[]) => command([...args, '--data', folder.path])

beforeAll(async () => {
  folder = await temporaryFolder()
  running = await startNode(folder.path, '--band', '0,0,4', ...loopback)
})

afterAll(async () => {
  if (running !== undefined) await endOf(running.child, 'SIGKILL')
  await folder?.remove()
})

it('why says of a host or range which bans and greylistings keep all of it out', async () => {
  const client = await ControlClient.connect(folder.path, { timeoutMs: 5_000 })
  await client.ask('greylistAddress', '2001:db8::1')
  client.close()
  await on('ban', '203.0.113.0/24')
  await on('ban', '203.0.113.7', '--for', '30m')
  await on('ban', 'bad.example.org')
  const range = 'banned by the range 203.0.113.0/24, until it is lifted'
  const answers = {
    '203.0.113.7': `203.0.113.7: ${range}\n203.0.113.7: banned, 30 min more\n`,
    '203.0.113.8': `203.0.113.8: ${range}\n`,
    '203.0.113.0/24': '203.0.113.0/24: banned, until it is lifted\n',
    '203.0.113.128/25': `203.0.113.128/25: ${range}\n`,
    // Only a part of it is banned.
    '203.0.112.0/23': '203.0.112.0/23: not banned, not greylisted\n',
    '203.0.112.7': '203.0.112.7: not banned, not greylisted\n',
    'bad.example.org': 'bad.example.org: banned, until it is lifted\n',
    'example.org': 'example.org: not banned, not greylisted\n'
  }
  for (const [target, text] of Object.entries(answers)) {
    const answer = await on('why', target)
    const lines = (given: string): readonly string[] => given.split('\n').sort()
    expect({ ...answer, text: lines(answer.text) }).toEqual({ status: 0, text: lines(text), complaint: '' })
  }
  expect((await on('why', '2001:db8::2')).text).toMatch(/^2001:db8::2: greylisted by the host 2001:db8::1, .* more at most\n$/)
  expect((await on('why', '2001:db8:0:1::2')).text).toBe('2001:db8:0:1::2: not banned, not greylisted\n')
  expect(JSON.parse((await on('why', '203.0.113.8', '--json')).text)).toMatchObject({
    target: { kind: 'host' },
    blocks: [{ kind: 'banned', host: '203.0.113.0/24' }]
  })
  for (const target of ['203.0.113.0/24', '203.0.113.7', 'bad.example.org']) await on('unban', target)
  await on('clear-greylist')
  expect((await on('bans')).text).toBe('nobody is banned or greylisted\n')
})
