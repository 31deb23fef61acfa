/** Names that a stranger advertises and that lead to hosts which nobody may dial on a stranger's word. */
import net from 'node:net'
import { createNodePeer } from '../../../node/index.ts'
import { type Lab, pause, until } from '../../laboratory/lab.ts'
import { defineRole } from '../../laboratory/role.ts'
import { attackerHost, honestHost, privateTrap, spreadAttackerHost, victimHost } from '../kit/hosts.ts'
import { type NameRecord, nameServer, resolveLaboratoryNames } from '../kit/name-server.ts'
import { findingOf, type Row } from '../kit/row.ts'
import { atHost } from '../kit/source-address.ts'
import { dialAgain, joinPool, strangerAt } from '../kit/stranger.ts'
import { network, tcpPort, victim } from '../kit/victim.ts'

const trapPort = 6_379
const bannedTrap = '192.0.2.66'
const metadataTrap = '169.254.169.254'
const traps = ['127.0.0.1', '::1', privateTrap, bannedTrap, metadataTrap] as const
/** Public, and nobody listens there. */
const harmless = attackerHost(50)
/** Long enough for the second and third attempt at each point. */
const watchMs = 25_000

/** Each in a domain of its own, since a pool takes few points of one. */
const hostile: readonly NameRecord[] = [
  { name: 'a.loopback-trap.example', answers: [['127.0.0.1', '::1']] },
  { name: 'a.mapped-trap.example', answers: [['::ffff:127.0.0.1']] },
  { name: 'a.private-trap.example', answers: [[privateTrap]] },
  { name: 'a.banned-trap.example', answers: [[bannedTrap]] },
  { name: 'a.metadata-trap.example', answers: [[metadataTrap]] },
  { name: 'a.one-of-two.example', answers: [[harmless, '127.0.0.1', privateTrap, bannedTrap]] },
  { name: 'a.later-loopback.example', answers: [[harmless], ['127.0.0.1', '::1']] },
  { name: 'a.later-private.example', answers: [[harmless], [privateTrap]] },
  { name: 'a.later-banned.example', answers: [[harmless], [bannedTrap]] }
]
const nested: NameRecord = {
  name: '_dnsaddr.a.nested-trap.example',
  answers: [],
  texts: traps
    .map((trap) => `dnsaddr=/${trap.includes(':') ? 'ip6' : 'ip4'}/${trap}/tcp/${trapPort}`)
    .concat(`dnsaddr=/dns4/a.loopback-trap.example/tcp/${trapPort}`)
}
const honestName = 'a.honest-name.example'

const forms = (name: string): string[] => [
  `/dns4/${name}/tcp/${trapPort}`,
  `/dns/${name}/tcp/${trapPort}`,
  `/dns6/${name}/tcp/${trapPort}`,
  `/dns4/${name}/tcp/${trapPort}/ws`,
  `/dns/${name}/tcp/${trapPort}/tls/ws`,
  `/dns4/${name}/tcp/${trapPort}/tls/sni/${name}/ws`
]

/** Counts the sockets that reach places where nobody may dial. */
const trapSet = defineRole(import.meta.url, 'trapSet', async (_: Record<string, never>) => {
  const hits: Record<string, number> = {}
  for (const host of traps) {
    const server = net.createServer((socket) => {
      hits[host] = (hits[host] ?? 0) + 1
      socket.on('error', () => undefined).destroy()
    })
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ host, port: trapPort, ipv6Only: true }, resolve))
  }
  return { hits: (): Readonly<Record<string, number>> => hits }
})

/** Strangers of different networks, each of whom advertises the names of one. */
const advertisers = defineRole(import.meta.url, 'advertisers', async ({ target }: { target: string }) => {
  const lists = [[`/dns4/${honestName}/tcp/${tcpPort}`], ...hostile.map(({ name }) => forms(name)), ['/dnsaddr/a.nested-trap.example']]
  return {
    advertise: async (): Promise<void> => {
      for (const [place, points] of lists.entries()) {
        const node = await strangerAt(spreadAttackerHost(place))
        const pool = await joinPool(await dialAgain(node, target))
        pool?.say({ kind: 'advertise', points, ownPoints: undefined })
      }
    }
  }
})

/** Whoever is reached by an honest name. */
const honestPeer = defineRole(import.meta.url, 'honestPeer', ({ host }: { host: string }) =>
  atHost(host, async () => {
    const { pool } = await createNodePeer({ network, listen: [`/ip4/${host}/tcp/${tcpPort}`], minConnections: 0, expectedConnections: 0 })
    return { id: (): string => pool.peerId }
  })
)

async function advertiseNames(lab: Lab) {
  resolveLaboratoryNames()
  const names = await lab.start(nameServer, { records: [...hostile, nested, { name: honestName, answers: [[honestHost(0)]] }] })
  const trap = await lab.start(trapSet, {})
  const honest = await lab.start(honestPeer, { host: honestHost(0) })
  const target = await lab.start(victim, {})
  await target.ask.banHostOf(`/ip4/${bannedTrap}/tcp/${trapPort}`)
  const attacker = await lab.start(advertisers, { target: `/ip4/${victimHost}/tcp/${tcpPort}/p2p/${await target.ask.id()}` })
  await attacker.ask.advertise()
  const honestId = await honest.ask.id()
  const isNamed = await until(() => target.ask.isConnectedWith(honestId), { deadlineMs: 10_000 })
  await pause(watchMs)
  if (process.env.LAB_DEBUG) console.log(await target.ask.known(), await names.ask.lookups(), (await target.ask.facts()).running)
  const hits = Object.entries(await trap.ask.hits())
  const lookups = Object.values(await names.ask.lookups()).reduce((sum, count) => sum + count, 0)
  const sockets = hits.reduce((sum, [, count]) => sum + count, 0)
  const where = hits.map(([host, count]) => `${host}: ${count}`).join(', ')
  return findingOf({
    measured: `${sockets} sockets opened there${where === '' ? '' : ` (${where})`}, ${lookups} questions to the name server, an honest name ${isNamed ? 'was' : 'was not'} reached`,
    isMet: sockets === 0 && isNamed
  })
}

export const nameRows: readonly Row[] = [
  {
    name: 'names',
    attack: 'names that resolve to loopback, private or banned addresses, at the first or the second lookup',
    target: '0 sockets opened there',
    deadlineMs: 90_000,
    run: advertiseNames
  }
]
