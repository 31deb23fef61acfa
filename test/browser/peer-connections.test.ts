import { describe, expect, test } from 'vitest'
import { PeerConnections } from '../../web/peer-connections.ts'

const limits = { max: 4, slowFrom: 2, paceMs: 100 }

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
    expect(() => make(configuration)).toThrow('2 of 4 peer connections of this page are made: no more now')
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
