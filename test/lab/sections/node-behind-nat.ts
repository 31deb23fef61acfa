/** A Node peer behind a NAT: whom it reaches, and who reaches it. */
import { pause } from '../../laboratory/lab.ts'
import { nodePeer } from '../kit/node-peer.ts'
import { network, serverAddress, startServer, startTurn, stunOnly } from '../kit/servers.ts'
import { World } from '../kit/world.ts'
import { type Section, seconds, table } from '../section.ts'

const withinMs = 30_000
/** What is not expected is waited for no longer. */
const doubtMs = 15_000

export const nodeBehindNat: Section = {
  name: 'node-behind-nat',
  title: 'A Node peer behind a NAT',
  deadlineMs: 180_000,
  run: async ({ lab, pages, log }) => {
    const world = new World(serverAddress)
    const [server] = await Promise.all([startServer(world, lab), startTurn(world)])
    const home = world.behind('port-restricted', { name: 'home', address: '198.51.100.1' })
    const hidden = await lab.start(nodePeer, { network, trustedPoints: [server.tcpPoint] }, home.place)
    const hiddenId = await hidden.ask.id()
    const rows: string[][] = []
    const missed: string[] = []
    const out = await hidden.ask.meets(server.id, withinMs)
    if (out === undefined) missed.push('the Node peer behind the NAT does not reach a public one')
    rows.push(['a public Node peer', 'it dials', out === undefined ? 'no' : seconds(out)])
    await pause(2_000)
    log(`its own points: ${(await hidden.ask.ownPoints()).join(' ')}; the relay knows ${(await server.peer.ask.knows(hiddenId)).join(' ')}`)
    const other = await lab.start(nodePeer, { network, trustedPoints: [server.tcpPoint] }, world.publicHost('other', '192.0.2.1').place)
    const fromNode = await other.ask.meets(hiddenId, doubtMs)
    const directions = (await hidden.ask.connections()).filter(({ peerId }) => peerId !== server.id).map(({ direction }) => direction)
    rows.push([
      'a Node peer that knows the same relay',
      directions[0] === 'outgoing' ? 'it dials' : 'is dialed',
      fromNode === undefined ? 'no' : seconds(fromNode)
    ])
    const page = await pages.open(world.publicHost('page', '192.0.2.2'))
    await page.ask.start({ network, trustedPoints: [server.securePoint], iceServers: stunOnly })
    const fromPage = await page.ask.meets(hiddenId, doubtMs)
    rows.push(['a page that knows the same relay', 'is dialed', fromPage === undefined ? 'no' : seconds(fromPage)])
    for (const row of rows) log(row.join('; '))
    return { text: table(['the other side', 'the Node peer behind the NAT', 'connected'], rows), missed }
  }
}
