/** What the demo stops and starts again, with peers that only say what is asked of them. */
import { expect, test } from 'vitest'
import { DemoBreaks } from '../../../node/cli/demo-breaks.ts'
import { Busy } from '../../../node/cli/demo-control.ts'
import type { DemoNodePeer } from '../../../node/cli/demo-node-peer.ts'

function peer(name: string, isRunning = true) {
  return {
    name,
    peerId: name,
    isRunning,
    startedAt: 0,
    async kill() {
      this.isRunning = false
    },
    async start() {
      this.isRunning = true
    }
  }
}

function network() {
  const [relay, second, guest, spare] = [peer('relay'), peer('second'), peer('guest'), peer('spare', false)]
  const all = [relay, second, guest, spare]
  const cast = (peers: readonly object[]) => peers as readonly DemoNodePeer[]
  const [castGuest] = cast([guest])
  if (castGuest === undefined) throw new Error('expected a guest')
  const pageSettings = { network: 'test', trustedPoints: [], band: { min: 0, expected: 1, max: 2 } }
  const breaks = new DemoBreaks({ network: { peers: cast([relay, second]), spares: cast([spare]), guest: castGuest, pageSettings } })
  return { breaks, running: () => all.filter(({ isRunning }) => isRunning).map(({ name }) => name) }
}

test('the relay, then all servers are stopped until they are started again; the guest comes by itself', async () => {
  const { breaks, running } = network()
  expect(await breaks.breakNow('stop-relay')).toEqual({ kind: 'stop-relay', killed: ['relay'], mendsInMs: null, liar: null })
  expect([running(), breaks.broken, breaks.isAllStopped]).toEqual([['second', 'guest'], ['relay-stopped'], false])
  expect((await breaks.breakNow('stop-servers')).killed).toEqual(['second', 'guest'])
  expect([running(), breaks.broken, breaks.isAllStopped]).toEqual([[], ['servers-stopped'], true])
  await breaks.breakNow('start-servers')
  expect([running(), breaks.broken, breaks.isAllStopped]).toEqual([['relay', 'second'], [], false])
  await breaks.stop()
})

test('nothing is killed while servers are stopped, and nothing is stopped while they are killed', async () => {
  const { breaks, running } = network()
  await breaks.breakNow('stop-relay')
  await expect(breaks.breakNow('relay')).rejects.toThrow(new Busy('servers are stopped; start them first'))
  await breaks.breakNow('start-servers')
  await breaks.breakNow('relay')
  for (const kind of ['stop-servers', 'start-servers'] as const) await expect(breaks.breakNow(kind)).rejects.toBeInstanceOf(Busy)
  expect(running()).toEqual(['second', 'guest'])
  await breaks.stop()
})
