/** Two pages, each behind each kind of NAT. They know a relay and nothing of each other; the second one to come finds the first. */
import { iceReaches, type NatKind, natKinds } from '../kit/nat.ts'
import type { OpenPage } from '../kit/pages.ts'
import { network, type Server, serverAddress, startServer, startTurn, stunOnly, withTurn } from '../kit/servers.ts'
import { type Site, World } from '../kit/world.ts'
import { type Findings, type Section, seconds, type Tools, table } from '../section.ts'

type Kind = 'public' | NatKind

const kinds: readonly Kind[] = ['public', ...natKinds]
const reachableWithinMs = 15_000
const meetWithinMs = 30_000

interface Meeting {
  readonly ms: number
  /** By way of the TURN server. */
  readonly relayed: boolean
}

interface Pair {
  readonly a: Site
  readonly b: Site
  readonly server: Server
  readonly iceServers: readonly RTCIceServer[]
}

/** Page A comes to page B; `undefined` if no message came back in time. */
async function meet({ pages, log }: Tools, { a, b, server, iceServers }: Pair): Promise<Meeting | undefined> {
  const [pageA, pageB] = await Promise.all([pages.open(a), pages.open(b)])
  try {
    const init = { network, trustedPoints: [server.securePoint], iceServers }
    const idB = await pageB.ask.start(init)
    if ((await pageB.ask.reachable(reachableWithinMs)) === undefined) throw new Error(`the page at ${b.name} got no relay`)
    await pageA.ask.start(init)
    const ms = await pageA.ask.meets(idB, meetWithinMs)
    const candidates = await pageA.ask.candidates()
    if (ms === undefined) log(`  ${(await whyNot(pageA, idB)).join('\n  ')}`)
    return ms === undefined ? undefined : { ms, relayed: candidates.some(({ ours, theirs }) => ours === 'relay' || theirs === 'relay') }
  } finally {
    await Promise.all([pageA.close(), pageB.close()])
  }
}

async function whyNot(page: OpenPage, peerId: string): Promise<string[]> {
  return [await page.ask.explain(peerId), (await page.ask.states()).join(' '), ...page.complaints.slice(-3)]
}

async function allPairs(
  tools: Tools,
  { iceServers, mayRelay }: { iceServers: readonly RTCIceServer[]; mayRelay: boolean }
): Promise<Findings> {
  const world = new World(serverAddress)
  const [server] = await Promise.all([startServer(world, tools.lab), startTurn(world)])
  const siteOf = (side: 'a' | 'b', kind: Kind): Site => {
    const address = `${side === 'a' ? '198.51.100' : '192.0.2'}.${kinds.indexOf(kind) + 1}`
    const name = `${side}-${kind}`
    return kind === 'public' ? world.publicHost(name, address) : world.behind(kind, { name, address })
  }
  const others = new Map(kinds.map((kind) => [kind, siteOf('b', kind)]))
  const rows: string[][] = []
  const missed: string[] = []
  for (const kindA of kinds) {
    const a = siteOf('a', kindA)
    const cells: string[] = []
    for (const [kindB, b] of others) {
      const meeting = await meet(tools, { a, b, server, iceServers })
      const cell = meeting === undefined ? '–' : `${seconds(meeting.ms)}${meeting.relayed ? ' by TURN' : ''}`
      if (meeting === undefined && (mayRelay || iceReaches(kindA, kindB))) missed.push(`${kindA} to ${kindB}: not connected`)
      tools.log(`${kindA} to ${kindB}: ${cell}`)
      cells.push(cell)
    }
    await tools.pages.leave(a)
    rows.push([kindA.replace('-', ' '), ...cells])
  }
  return { text: table(['page A ↓, page B →', ...kinds.map((kind) => kind.replace('-', ' '))], rows), missed }
}

export const pairsWithStun: Section = {
  name: 'pairs-stun',
  title: 'Two pages with STUN alone',
  deadlineMs: 600_000,
  run: (tools) => allPairs(tools, { iceServers: stunOnly, mayRelay: false })
}

export const pairsWithTurn: Section = {
  name: 'pairs-turn',
  title: 'Two pages with STUN and TURN',
  deadlineMs: 600_000,
  run: (tools) => allPairs(tools, { iceServers: withTurn, mayRelay: true })
}
