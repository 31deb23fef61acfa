import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { PeerId, Point } from '../../src/core/values/ids.ts'
import { DialError } from '../../src/core/values/ports.ts'
import { dialErrorOf } from '../../src/libp2p/dial-error.ts'
import { startNode, type TestNode } from './nodes.ts'

const never = new AbortController().signal
const strangerId = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId
const context = { expectsPeerId: true, signal: never }

function named(name: string, message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { name }, more)
}

describe('an error of libp2p and the failure it means', () => {
  test.each([
    ['no route', named('Error', 'connect EHOSTUNREACH 192.0.2.1:1', { code: 'EHOSTUNREACH' }), 'unreachable'],
    ['a name that does not exist', named('Error', 'getaddrinfo ENOTFOUND example.invalid', { code: 'ENOTFOUND' }), 'unreachable'],
    ['nobody listens', named('Error', 'connection error 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1'), 'refused'],
    ['the system gave up', named('Error', 'connect ETIMEDOUT', { code: 'ETIMEDOUT' }), 'timeout'],
    ['a cause tells', named('DialError', 'could not dial', { cause: named('Error', '', { code: 'ECONNREFUSED' }) }), 'refused'],
    ['a relay without the target', named('InvalidMessageError', 'failed to connect via relay with status NO_RESERVATION'), 'unreachable'],
    ['another id', named('EncryptionFailedError', 'Payload identity key A does not match expected remote identity key B'), 'wrong-peer-id'],
    ['closed while encrypting', named('EncryptionFailedError', 'The stream was reset'), 'refused'],
    ['something new', named('NewError', 'who knows'), 'other'],
    ['not even an error', 'oops', 'other'],
    ['nothing', undefined, 'other']
  ])('%s', (_name, error, failure) => {
    const told = dialErrorOf(error, context)
    expect(told).toBeInstanceOf(DialError)
    expect(told.failure).toBe(failure)
    expect(told.message).not.toBe('')
  })

  test('of several the most telling one counts', () => {
    const errors = [named('Error', 'x', { code: 'EHOSTUNREACH' }), named('EncryptionFailedError', 'identity mismatch')]
    expect(dialErrorOf(new AggregateError(errors, 'All multiaddr dials failed'), context).failure).toBe('wrong-peer-id')
  })

  test('an error that causes itself is not followed for ever', () => {
    const error = named('DialError', 'round')
    error.cause = error
    expect(dialErrorOf(error, context).failure).toBe('other')
  })

  test('without an expected id no peer is the wrong one', () => {
    expect(dialErrorOf(named('EncryptionFailedError', 'Invalid payload signature'), { expectsPeerId: false, signal: never }).failure).toBe(
      'other'
    )
  })

  test('a deadline of the caller is a timeout, anything else he fires an abort', async () => {
    const deadline = AbortSignal.timeout(1)
    await new Promise((resolve) => deadline.addEventListener('abort', resolve))
    expect(dialErrorOf(new Error('x'), { expectsPeerId: true, signal: deadline }).failure).toBe('timeout')
    expect(dialErrorOf(new Error('x'), { expectsPeerId: true, signal: AbortSignal.abort() }).failure).toBe('aborted')
  })
})

describe('a real dial that fails', () => {
  const nodes: TestNode[] = []
  const servers: Server[] = []

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(({ node }) => node.stop()))
    for (const server of servers.splice(0)) server.close()
  })

  const start = async (...args: Parameters<typeof startNode>): Promise<TestNode> => {
    const made = await startNode(...args)
    nodes.push(made)
    return made
  }
  const failureOf = async (from: TestNode, point: Point, expectedPeerId?: PeerId): Promise<string> => {
    try {
      const link = await from.network.dial(point, { expectedPeerId, signal: AbortSignal.timeout(2_000) })
      link.abort('unexpected')
      return 'no failure'
    } catch (error) {
      return error instanceof DialError ? error.failure : String(error)
    }
  }
  /** Something at a port that is no libp2p. */
  const serve = async (answer: (socket: import('node:net').Socket) => void): Promise<Point> => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy())
      answer(socket)
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the server has no port')
    return `/ip4/127.0.0.1/tcp/${address.port}` as Point
  }

  test.each(['tcp', 'ws'] as const)('over %s, denied by the gater at the other end', async (transport) => {
    for (const gater of [
      { denyInboundConnection: () => true },
      { denyInboundEncryptedConnection: () => true },
      { denyInboundUpgradedConnection: () => true }
    ]) {
      const a = await start(transport)
      const b = await start(transport, { gater })
      await b.network.start({
        incoming: (link) => link.abort('unexpected'),
        ownPointsChanged: () => undefined,
        discovered: () => undefined
      })
      expect(await failureOf(a, b.point, b.network.peerId), Object.keys(gater).join()).toBe('refused')
    }
  })

  test('denied by the gater at this end', async () => {
    const b = await start('tcp')
    const byAddress = await start('tcp', { gater: { denyDialMultiaddr: () => true } })
    const byPeer = await start('tcp', { gater: { denyOutboundEncryptedConnection: () => true } })
    expect(await failureOf(byAddress, b.point, b.network.peerId)).toBe('denied')
    expect(await failureOf(byPeer, b.point, b.network.peerId)).toBe('denied')
  })

  test('a server that never sends anything', async () => {
    const a = await start('tcp')
    expect(await failureOf(a, await serve(() => undefined))).toBe('timeout')
  })

  test('a server that closes at once', async () => {
    const a = await start('tcp')
    expect(await failureOf(a, await serve((socket) => socket.destroy()), strangerId)).toBe('refused')
  })

  test('a server that speaks something else', async () => {
    const a = await start('tcp')
    const point = await serve((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    expect(await failureOf(a, point)).toBe('refused')
  })

  test('our own address', async () => {
    const a = await start('tcp')
    expect(await failureOf(a, a.point)).toBe('myself')
  })
})
