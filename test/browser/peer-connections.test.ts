import { describe, expect, test } from 'vitest'
import { PeerConnections, releaseClosed } from '../../web/peer-connections.ts'

const limits = { max: 4, slowFrom: 2, paceMs: 1_000, refillMs: 60_000 }

/** What libp2p does for each: it asks for the configuration, then makes one. */
function make(configuration: () => RTCConfiguration): void {
  new RTCPeerConnection(configuration()).close()
}

describe('the budget of peer connections', () => {
  test('counts what the browser makes, slows down, and stops before it does', async () => {
    const budget = new PeerConnections(limits)
    const told: number[] = []
    const unwatch = budget.watch(() => told.push(budget.status.used))
    const configuration = budget.configuration([])
    make(configuration)
    expect(budget.status).toEqual({ used: 1, max: 4, state: 'plenty' })
    make(configuration)
    expect([budget.status.state, budget.allows]).toEqual(['low', false])
    expect(() => make(configuration)).toThrow('2 of 4 peer connections were made lately')
    for (const state of ['low', 'spent']) {
      await new Promise((resolve) => {
        setTimeout(resolve, limits.paceMs + 20)
      })
      expect(budget.allows).toBe(true)
      make(configuration)
      expect([budget.status.state, budget.allows]).toEqual([state, false])
    }
    await new Promise((resolve) => {
      setTimeout(resolve, limits.paceMs + 20)
    })
    expect(() => make(configuration)).toThrow()
    unwatch()
    expect(told).toEqual([1, 2, 3, 4])
  })

  test('is a rate: after a while there is more of it', async () => {
    const budget = new PeerConnections({ max: 2, slowFrom: 1, paceMs: 0, refillMs: 200 })
    const states: string[] = []
    budget.watch(() => states.push(budget.status.state))
    const configuration = budget.configuration([])
    make(configuration)
    make(configuration)
    expect(budget.status).toEqual({ used: 2, max: 2, state: 'spent' })
    await expect.poll(() => budget.status.state, { timeout: 5_000 }).toBe('plenty')
    await expect.poll(() => states.at(-1), { timeout: 5_000 }).toBe('plenty')
    make(configuration)
  })

  test('a configuration that no connection is made of costs nothing', () => {
    const budget = new PeerConnections(limits)
    const { iceServers } = budget.configuration([{ urls: 'stun:192.0.2.1' }])()
    expect(iceServers).toEqual([{ urls: 'stun:192.0.2.1' }])
    expect(budget.status.used).toBe(0)
  })

  test('a connection made with it is like any other', async () => {
    const budget = new PeerConnections(limits)
    const connection = new RTCPeerConnection(budget.configuration([])())
    connection.createDataChannel('one')
    expect((await connection.createOffer()).sdp).toContain('a=group:BUNDLE')
    expect(connection.getConfiguration().bundlePolicy).toBe('balanced')
    connection.close()
  })
})

test('a connection that is closed says so, once', async () => {
  releaseClosed()
  releaseClosed()
  const connection = new RTCPeerConnection()
  let closes = 0
  connection.addEventListener('close', () => closes++)
  connection.close()
  connection.close()
  await expect.poll(() => closes).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(closes).toBe(1)
})
