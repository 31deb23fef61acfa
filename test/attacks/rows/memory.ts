/** What one connection can make a pool hold in memory: unread broadcasts, silent streams, tiny frames. */
import type { Connection, Libp2p } from '@libp2p/interface'
import { type Actor, type Lab, pause, until } from '../../laboratory/lab.ts'
import { defineRole } from '../../laboratory/role.ts'
import { attackerHost, victimHost } from '../kit/hosts.ts'
import { findingOf, type Part, type Row } from '../kit/row.ts'
import { dialAgain, joinPool, keepOpen, namelessStream, type PoolStream, strangerAt } from '../kit/stranger.ts'
import { tcpPort, type VictimVerbs, victim } from '../kit/victim.ts'

const mebibyte = 2 ** 20
const broadcasts = 400
const closedAfterMs = 30_000
/** The pool's clock starts with the first bytes that are not taken, a moment after ours. */
const toleranceMs = 5_000
const silentStreams = 1_000
/** Each that the victim ends is opened again. */
const renewEveryMs = 5_000
/** As many bytes as a stream's first window takes. */
const tinyFrames = 200_000

const inMiB = (bytes: number): string => `${(Math.max(0, bytes) / mebibyte).toFixed(1)} MiB`

/** One peer that joins, and what it does with its connection then. */
const burden = defineRole(import.meta.url, 'burden', async ({ host, target }: { host: string; target: string }) => {
  const node: Libp2p = await strangerAt(host, { identifies: true })
  let pool: PoolStream | undefined
  return {
    join: async (): Promise<string> => {
      pool = await joinPool(await dialAgain(node, target))
      if (pool === undefined) throw new Error('the victim refused the attacker before it did anything')
      return node.peerId.toString()
    },
    stopReading: (): void => pool?.stream.pause(),
    /** What the first ones cost is mostly code. */
    openAndClose: async (count: number): Promise<void> => {
      const streams = await Promise.all(Array.from({ length: count }, () => namelessStream(connectionOf(node))))
      await pause(500)
      for (const stream of streams) stream.abort(new Error('it was for nothing'))
    },
    openSilentStreams: (count: number): void => {
      for (let i = 0; i < count; i++) keepOpen(connectionOf(node), namelessStream, renewEveryMs)
    },
    /** `first` in one piece, then one byte in each frame. */
    dribble: async (first: Uint8Array): Promise<void> => {
      pool?.stream.send(first)
      for (let i = 0; i < tinyFrames && pool?.isOpen === true; i++) {
        pool.stream.send(Uint8Array.of(0))
        if (i % 1_000 === 0) await pause(1)
      }
    }
  }
})

function connectionOf(node: Libp2p): Connection {
  const [connection] = node.getConnections()
  if (connection === undefined) throw new Error('the victim closed the connection of the attacker')
  return connection
}

async function start(lab: Lab, application: 'read' | 'leave') {
  const target = await lab.start(victim, { application })
  const attacker = await lab.start(burden, {
    host: attackerHost(9),
    target: `/ip4/${victimHost}/tcp/${tcpPort}/p2p/${await target.ask.id()}`
  })
  return { target, attacker }
}

/**
 * The peer lives and takes nothing from its stream, or its process is stopped: then the kernel takes some megabytes more for it, and it may
 * be a slow network as well, so it has a minute.
 */
async function unreadBroadcasts(lab: Lab, how: 'stopped' | 'paused'): Promise<Part> {
  const { target, attacker } = await start(lab, 'read')
  const id = await attacker.ask.join()
  await until(() => target.ask.isConnectedWith(id), { deadlineMs: 5_000 })
  await target.ask.beginMeasuring()
  if (how === 'paused') await attacker.ask.stopReading()
  else process.kill(attacker.pid, 'SIGSTOP')
  const began = performance.now()
  const { dropped, told } = await target.ask.broadcastMany({ count: broadcasts, bytes: mebibyte, to: id })
  const { heldBytes } = await target.ask.measured()
  const closesAfterMs = how === 'paused' ? closedAfterMs : 2 * closedAfterMs
  const isClosed = await until(async () => !(await target.ask.isConnectedWith(id)), { deadlineMs: closesAfterMs + toleranceMs })
  const seconds = (performance.now() - began) / 1_000
  await Promise.all([target.kill(), attacker.kill()])
  return {
    measured:
      `${how === 'paused' ? 'it reads nothing' : 'its process is stopped'}: ${inMiB(heldBytes)} held, ${isClosed ? `closed after ${seconds.toFixed(0)} s` : 'not closed'}, ` +
      `${dropped ?? 'no'} drops in connection.stat, ${told} events of drops`,
    isMet: heldBytes <= 4 * mebibyte && isClosed && seconds * 1_000 <= closesAfterMs + toleranceMs && (dropped ?? 0) > 0 && told > 0
  }
}

async function manySilentStreams(lab: Lab) {
  const { target, attacker } = await start(lab, 'read')
  await attacker.ask.join()
  await attacker.ask.openAndClose(silentStreams)
  await pause(2_000)
  await target.ask.beginMeasuring()
  await attacker.ask.openSilentStreams(silentStreams)
  const held = await highest(target, 6)
  return findingOf({ measured: `${inMiB(held)} held`, isMet: held <= mebibyte })
}

/** An application frame of 1 MiB begins so: whoever reads has to keep what comes until it is whole. */
const unfinishedFrame = Uint8Array.of(0x84, 0x80, 0x40, 0x42, 0x80, 0x80, 0x40)
const unreadMessages = new Uint8Array(300).map((_, i) => [2, 0x42, 0][i % 3] ?? 0)

async function tiny(lab: Lab, { application, first, label }: { application: 'read' | 'leave'; first: Uint8Array; label: string }) {
  const { target, attacker } = await start(lab, application)
  await attacker.ask.join()
  await pause(1_000)
  await target.ask.beginMeasuring()
  await attacker.ask.dribble(first)
  const held = await highest(target, 3)
  await Promise.all([target.kill(), attacker.kill()])
  return { measured: `${label}: ${inMiB(held)} held`, isMet: held <= 2 * mebibyte }
}

async function highest(target: Actor<VictimVerbs>, samples: number): Promise<number> {
  let most = 0
  for (let i = 0; i < samples; i++) {
    most = Math.max(most, (await target.ask.measured()).heldBytes)
    await pause(500)
  }
  return most
}

export const memoryRows: readonly Row[] = [
  {
    name: 'peer-that-reads-nothing',
    attack: 'a peer that reads nothing, 400 broadcasts of 1 MiB',
    target: '4 MiB held for it; closed after 30 s; drops counted in `connection.stat` and reported by an event',
    deadlineMs: 180_000,
    run: async (lab) => findingOf(await unreadBroadcasts(lab, 'paused'), await unreadBroadcasts(lab, 'stopped'))
  },
  {
    name: 'silent-streams',
    attack: '1,000 silent streams on one connection',
    target: '1 MiB held',
    deadlineMs: 60_000,
    run: manySilentStreams
  },
  {
    name: 'one-byte-frames',
    attack: 'one-byte frames, unread',
    target: '2 MiB held',
    deadlineMs: 90_000,
    run: async (lab) =>
      findingOf(
        await tiny(lab, { application: 'leave', first: unreadMessages, label: 'messages that the application leaves' }),
        await tiny(lab, { application: 'read', first: unfinishedFrame, label: 'a frame that never ends' })
      )
  }
]
