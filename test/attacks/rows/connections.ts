/** Attacks on libp2p's connections and handshakes, and on the pool's handshakes: how many places few hosts can hold. */
import net from 'node:net'
import type { Connection, Libp2p } from '@libp2p/interface'
import { type Lab, pause } from '../../laboratory/lab.ts'
import { defineRole } from '../../laboratory/role.ts'
import { newcomers, partOf } from '../kit/crowd.ts'
import { attackerHost, attackerHost6, spreadAttackerHost, victimHost, victimHost6 } from '../kit/hosts.ts'
import { findingOf, type Row } from '../kit/row.ts'
import { dialAgain, keepOpen, namelessStream, openPoolStream, strangerAt } from '../kit/stranger.ts'
import { tcpPort, type VictimArgs, victim } from '../kit/victim.ts'

const hopProtocol = '/libp2p/circuit/relay/0.2.0/hop'
const wanted = 300
/** Under libp2p's five connections a second from one host. */
const dialEveryMs = 230
/** The attack is as strong as it gets when it gained nothing for so long. */
const saturatedAfterMs = 12_000

interface HoldArgs {
  readonly host: string
  readonly target: string
  /** One id for all connections, or a fresh one for each. */
  readonly ids: 'one' | 'fresh'
  readonly stream: 'nameless' | 'hop'
}

/** Holds as many connections as it gets, with a stream on each that says nothing. */
const holder = defineRole(import.meta.url, 'holder', async ({ host, target, ids, stream }: HoldArgs) => {
  const connections = new Set<Connection>()
  const one = ids === 'one' ? await strangerAt(host, { identifies: true }) : undefined
  const dial = async (): Promise<void> => {
    const node: Libp2p = one ?? (await strangerAt(host))
    const connection = await dialAgain(node, target)
    connections.add(connection)
    connection.addEventListener('close', () => {
      connections.delete(connection)
      if (node !== one) void node.stop()
    })
    keepOpen(
      connection,
      stream === 'nameless' ? namelessStream : (held) => held.newStream(hopProtocol, { signal: AbortSignal.timeout(5_000) })
    )
  }
  setInterval(() => {
    if (connections.size < wanted) dial().catch(() => undefined)
  }, dialEveryMs)
  return { held: (): number => connections.size }
})

async function holdConnections(lab: Lab, attack: Pick<HoldArgs, 'ids' | 'stream'>, options: VictimArgs['options'] = {}) {
  const target = await lab.start(victim, { options })
  const attacker = await lab.start(holder, {
    host: attackerHost(9),
    target: `/ip4/${victimHost}/tcp/${tcpPort}/p2p/${await target.ask.id()}`,
    ...attack
  })
  let most = 0
  for (let gained = performance.now(); most < wanted && performance.now() - gained < saturatedAfterMs; await pause(250)) {
    const held = await attacker.ask.held()
    if (held > most) gained = performance.now()
    most = Math.max(most, held)
  }
  const came = await newcomers(lab, target, { honest: 10, trusted: 10 })
  const { measured, isMet } = partOf(came, { honest: 10, trusted: 10 })
  return findingOf({ measured: `${measured}; the attacker held ${most} connections`, isMet })
}

interface SilentArgs {
  readonly hosts: readonly string[]
  readonly victim: { readonly host: string; readonly port: number }
  /** Sockets that each host holds at most. */
  readonly perHost: number
  readonly perSecond: number
}

/** Opens sockets and says nothing; those that the victim closes are opened again. */
const silentSockets = defineRole(
  import.meta.url,
  'silentSockets',
  async ({ hosts, victim: { host, port }, perHost, perSecond }: SilentArgs) => {
    const open = new Map(hosts.map((from) => [from, 0]))
    let turn = 0
    setInterval(() => {
      const from = hosts[turn++ % hosts.length] ?? ''
      const count = open.get(from) ?? 0
      if (count >= perHost) return
      open.set(from, count + 1)
      const socket = net.connect({ host, port, localAddress: from })
      socket.on('error', () => undefined)
      socket.on('close', () => open.set(from, (open.get(from) ?? 1) - 1))
    }, 1_000 / perSecond)
    return { held: (): number => [...open.values()].reduce((sum, count) => sum + count, 0) }
  }
)

async function silence(lab: Lab, attack: SilentArgs, { over, label }: { over: 'ip4' | 'ip6'; label: string }) {
  const target = await lab.start(victim, {})
  const attacker = await lab.start(silentSockets, attack)
  await pause(3_000)
  const came = await newcomers(lab, target, { honest: 10, trusted: 10, over })
  const part = partOf(came, { honest: 10, trusted: 10 }, label)
  await Promise.all([target.kill(), attacker.kill()])
  return part
}

/** Connections of each attacking host, and silent pool streams on each: more than a host can have, so that some always wait for a place. */
const connectionsPerHost = 2
const streamsPerConnection = 4

/** Each host opens streams of the pool protocol and never says Hello; each that ends is opened again. */
const silentPoolStreams = defineRole(
  import.meta.url,
  'silentPoolStreams',
  async ({ hosts, target }: { hosts: readonly string[]; target: string }) => {
    let failures = 0
    const attack = async (host: string): Promise<void> => {
      const node = await strangerAt(host)
      const connect = async (): Promise<void> => {
        try {
          const connection = await dialAgain(node, target)
          connection.addEventListener('close', () => void setTimeout(connect, 500))
          // Else the victim closes it with the first stream that it refuses.
          keepOpen(connection, namelessStream)
          for (let i = 0; i < streamsPerConnection; i++) keepOpen(connection, async (open) => (await openPoolStream(open)).stream)
        } catch {
          failures++
          setTimeout(connect, 500)
        }
      }
      // One after the other: libp2p makes one dial of two at once.
      for (let i = 0; i < connectionsPerHost; i++) await connect()
    }
    await Promise.all(hosts.map(attack))
    return { failures: (): number => failures }
  }
)

async function silentStreams(lab: Lab, hosts: number, least: { honest: number; trusted: number }) {
  const target = await lab.start(victim, {})
  await lab.start(silentPoolStreams, {
    hosts: Array.from({ length: hosts }, (_, i) => spreadAttackerHost(i)),
    target: `/ip4/${victimHost}/tcp/${tcpPort}/p2p/${await target.ask.id()}`
  })
  await pause(4_000)
  return findingOf(partOf(await newcomers(lab, target, { honest: 10, trusted: 10 }), least))
}

const all = 'honest 10 of 10 in, trusted 10 of 10 in'

export const connectionRows: readonly Row[] = [
  {
    name: 'mute-connections',
    attack: 'one host, one peer id, 300 mute connections',
    target: all,
    deadlineMs: 150_000,
    run: (lab) => holdConnections(lab, { ids: 'one', stream: 'nameless' })
  },
  {
    name: 'silent-hop-streams',
    attack: 'the same with silent hop streams at `relay: true`',
    target: all,
    deadlineMs: 150_000,
    run: (lab) => holdConnections(lab, { ids: 'one', stream: 'hop' }, { relay: true })
  },
  {
    name: 'free-ids',
    attack: '300 free ids of one host, under five connections a second, each renewing a nameless stream',
    target: all,
    deadlineMs: 150_000,
    run: (lab) => holdConnections(lab, { ids: 'fresh', stream: 'nameless' })
  },
  {
    name: 'silent-sockets',
    attack: '24 addresses of one IPv6 /64 with silent sockets; one IPv4 host with 100 silent sockets a second',
    target: `${all}, each time`,
    deadlineMs: 150_000,
    run: async (lab) => {
      const prefix = Array.from({ length: 24 }, (_, i) => attackerHost6(i + 1))
      const silent6 = { hosts: prefix, victim: { host: victimHost6, port: tcpPort }, perHost: 5, perSecond: 100 }
      const silent4 = { hosts: [attackerHost(9)], victim: { host: victimHost, port: tcpPort }, perHost: 1_000, perSecond: 100 }
      const at6 = await silence(lab, silent6, { over: 'ip6', label: '/64, newcomers over IPv6: ' })
      const at4 = await silence(lab, silent4, { over: 'ip4', label: 'IPv4 host: ' })
      return findingOf(at6, at4)
    }
  },
  {
    name: 'five-hosts-of-silent-streams',
    attack: 'five hosts with silent pool streams',
    target: 'honest 9 of 10 in, trusted 10 of 10 in',
    deadlineMs: 120_000,
    run: (lab) => silentStreams(lab, 5, { honest: 9, trusted: 10 })
  },
  {
    name: 'twenty-hosts-of-silent-streams',
    attack: 'twenty hosts with silent pool streams',
    target: 'honest 5 of 10 in, trusted 10 of 10 in',
    deadlineMs: 120_000,
    run: (lab) => silentStreams(lab, 20, { honest: 5, trusted: 10 })
  }
]
