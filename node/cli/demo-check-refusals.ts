/**
 * The facts about what goes wrong: addresses that lead nowhere, peers that are not who or where they should be, and bytes
 * that break the protocol. A person in front of the page must see why; the pool must go on.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { type PeerId, poolProtocol } from '../index.ts'
import type { CheckContext } from './demo-check-context.ts'
import { eventually, expectThat } from './demo-facts.ts'
import { closedPort, garbage, startForeigner, startGarbler } from './demo-foreigners.ts'
import type { DemoNodePeer } from './demo-node-peer.ts'
import type { DemoTab } from './demo-tab.ts'

/** For what takes a moment on a machine that has nothing else to do. */
const answerMs = 30_000
/** A stream that is refused ends by then. */
const endsMs = 10_000

export async function checkRefusals(context: CheckContext): Promise<void> {
  const { facts, first, closedPorts, shutdown, demo } = context
  const refuses = (what: string, { address, words }: { address: () => Promise<string>; words: RegExp }) =>
    facts.holds(`page 1 says why it cannot connect: ${what}`, async () => failsWith(first, await address(), words))

  await refuses('a malformed multiaddr', {
    address: async () => '/ip4/127.0.0.1/nonsense',
    words: /expected a multiaddr/
  })
  await refuses('no peer listens there', {
    async address() {
      const port = await closedPort()
      closedPorts.add(port)
      return `/ip4/127.0.0.1/tcp/${port}/ws`
    },
    words: /refused/
  })
  const foreigner = await startForeigner(shutdown)
  const address = foreigner.node.getMultiaddrs()[0]?.toString() ?? ''
  const anotherPeer = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  await refuses('another peer than the expected one answers', {
    address: async () => address.replace(foreigner.pool.peerId, anotherPeer),
    words: /expected peer/
  })
  await refuses('a peer of another network', { address: async () => address, words: /unknown network/ })

  const [, target, witness] = demo.network.peers
  if (target === undefined || witness === undefined) throw new Error('the demo has fewer than three Node peers')
  for (const [what, bytes] of Object.entries(garbage)) {
    await facts.holds(`a Node peer greylists who sends ${what}, keeps it out, and goes on`, async () => {
      const attacker = await startGarbler(shutdown, bytes)
      return greylists(context, { attacker, bytes, target, witness })
    })
  }
  await facts.holds('page 2 says so when a peer answers with bytes that are no message, greylists it, and goes on', async () => {
    const attacker = await startGarbler(shutdown, garbage['bytes that are no message'])
    return pageGreylists(context, attacker)
  })
}

async function failsWith(tab: DemoTab, address: string, words: RegExp): Promise<string> {
  const answer = await tab.dial(address)
  expectThat(!answer.connected && words.test(answer.words), { expected: `a failure that says ${words}`, seen: answer.words })
  return `“${answer.words.split('. ')[0]}”`
}

interface Attack {
  readonly attacker: Libp2p
  readonly bytes: Uint8Array
  readonly target: DemoNodePeer
  /** Must stay connected with the target. */
  readonly witness: DemoNodePeer
}

async function greylists({ mailbox }: CheckContext, { attacker, bytes, target, witness }: Attack): Promise<string> {
  const { pool } = target
  const culprit = pool.parsePeerId(attacker.peerId.toString())
  const before = new Set(pool.connections.list().map(({ peerId }) => peerId))
  const address = multiaddr(target.multiaddr('tcp'))
  const stream = await attacker.dialProtocol(address, poolProtocol, { signal: AbortSignal.timeout(answerMs) })
  stream.send(bytes)
  await eventually(() => pool.snapshot().greylistedPeers.includes(culprit) || undefined, {
    withinMs: answerMs,
    expected: `${target.name} to greylist the hostile peer`,
    seen: () => pool.snapshot().greylistedPeers
  })
  await eventually(() => attacker.getConnections().length === 0 || undefined, { withinMs: answerMs, expected: 'its connection to end' })
  expectThat(!(await stays(attacker, address)), { expected: 'its second connection to be refused', seen: 'it could speak again' })
  const lost = [...before].filter((peerId) => pool.connections.findByPeerId(peerId) === undefined)
  expectThat(lost.length === 0, { expected: `${target.name} to keep all its connections`, seen: lost })
  const text = `still here after ${bytes.length} bytes of a hostile peer`
  await target.send(witness.peerId, text)
  await eventually(() => mailbox.has(witness, target.peerId, text) || undefined, { expected: `a message to arrive at ${witness.name}` })
  const hosts = pool.snapshot().greylistedHosts
  // Where these peers have no loopback address of their own, the host of all is on the list.
  pool.clearGreylist()
  return `its host too: ${hosts.join(', ')}`
}

/** Could it open the pool's protocol again, and keep it open for a moment? */
async function stays(attacker: Libp2p, address: ReturnType<typeof multiaddr>): Promise<boolean> {
  try {
    const stream = await attacker.dialProtocol(address, poolProtocol, { signal: AbortSignal.timeout(answerMs) })
    await eventually(() => stream.status !== 'open' || undefined, { withinMs: endsMs, expected: 'its stream to end' })
    return false
  } catch (error) {
    return error instanceof Error && error.name === 'NotSeen'
  }
}

async function pageGreylists(context: CheckContext, attacker: Libp2p): Promise<string> {
  const { second } = context
  const culprit = attacker.peerId.toString() as PeerId
  const before = (await second.snapshot()).connections.length
  const words = await failsWith(second, attacker.getMultiaddrs()[0]?.toString() ?? '', /broke the protocol/)
  await second.page.locator('#tab-bans').click()
  const row = second.page.locator(`[data-testid="greylist-row"][data-peer="${culprit}"]`)
  await eventually(async () => (await row.count()) === 1 || undefined, {
    expected: 'the hostile peer in the list of greylisted',
    seen: () => second.page.getByTestId('greylist').innerText()
  })
  const after = (await second.snapshot()).connections.length
  expectThat(after >= before, { expected: `at least ${before} connections as before`, seen: after })
  // A page that has it back on its list of points would dial it again, and hear the same bytes.
  context.closedPorts.add(Number(/\/tcp\/(\d+)/.exec(attacker.getMultiaddrs()[0]?.toString() ?? '')?.[1]))
  await attacker.stop()
  await second.page.locator('[data-action="clear-greylist"]').click()
  await eventually(async () => (await row.count()) === 0 || undefined, { expected: 'the greylist to be empty after “Clear the greylist”' })
  return words
}
