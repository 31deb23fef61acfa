/** A firewall that lets out TCP to port 443 and nothing else, not even names are looked up. The other side is public. */

import { writeFileSync } from 'node:fs'
import { cert } from '../../support/certificate.ts'
import { nodePeer } from '../kit/node-peer.ts'
import { network, serverAddress, startServer, startTurn, stunOnly, turnOverTls } from '../kit/servers.ts'
import { scratch, serverName, World } from '../kit/world.ts'
import { type Section, seconds, table } from '../section.ts'

const withinMs = 30_000

export const only443: Section = {
  name: 'only-443',
  title: 'A firewall that lets out TCP 443 alone',
  deadlineMs: 180_000,
  run: async ({ lab, pages, log }) => {
    const world = new World(serverAddress)
    const [server] = await Promise.all([startServer(world, lab), startTurn(world)])
    const office = world.behind('only-443', { name: 'office', address: '198.51.100.1' })
    const away = world.publicHost('away', '192.0.2.1')
    writeFileSync(`${scratch}/ca.crt`, cert)
    const rows: string[][] = []
    const missed: string[] = []
    const note = (label: string, { ms, expected, how }: { ms: number | undefined; expected: boolean; how: string }): void => {
      rows.push([label, how, ms === undefined ? 'no' : seconds(ms)])
      log(rows.at(-1)?.join('; ') ?? '')
      if ((ms !== undefined) !== expected) missed.push(`${label}, ${how}: ${ms === undefined ? 'not connected' : 'connected'}`)
    }
    const place = { ...office.place, env: { NODE_EXTRA_CA_CERTS: `${scratch}/ca.crt` } }
    for (const [how, point, expected] of [
      ['secure WebSocket at 443', server.securePoint, true],
      ['TCP at 4001', server.tcpPoint, false]
    ] as const) {
      const node = await lab.start(nodePeer, { network, trustedPoints: [point] }, place)
      note('Node peer to a Node peer', { ms: await node.ask.meets(server.id, expected ? withinMs : 10_000), expected, how })
      await node.kill()
    }
    for (const [how, iceServers, expected] of [
      ['TURN over TLS at 443', turnOverTls, true],
      ['STUN alone', stunOnly, false]
    ] as const) {
      const [inside, outside] = await Promise.all([pages.open(office), pages.open(away)])
      const init = { network, trustedPoints: [server.securePoint], iceServers }
      const outsideId = await outside.ask.start(init)
      await outside.ask.reachable(withinMs)
      await inside.ask.start(init)
      if (expected)
        note('page to a Node peer', { ms: await inside.ask.meets(server.id, withinMs), expected, how: 'secure WebSocket at 443' })
      const ms = await inside.ask.meets(outsideId, withinMs)
      const candidates = await inside.ask.candidates()
      log(JSON.stringify(candidates))
      if (ms === undefined)
        log(`  ${await inside.ask.explain(outsideId)} ${(await inside.ask.states()).join(' ')} ${inside.complaints.slice(-3).join(' ')}`)
      note('page to a page', { ms, expected, how })
      await Promise.all([inside.close(), outside.close()])
    }
    return { text: table(['from behind the firewall', 'by', `connected (${serverName} answers at 443)`], rows), missed }
  }
}
