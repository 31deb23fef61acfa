/**
 * A router whose public address changes while there are connections, as at the nightly reconnection of a home line. The programs behind it are
 * told nothing: their own addresses stay. What still comes to the old address is lost, and so is what belongs to connections of before.
 */
import { pause } from '../../laboratory/lab.ts'
import { nodePeer } from '../kit/node-peer.ts'
import { network, serverAddress, startServer, startTurn, stunOnly } from '../kit/servers.ts'
import { World } from '../kit/world.ts'
import { type Section, seconds, table } from '../section.ts'

const addresses = ['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.4']
const meetWithinMs = 30_000
/** Younger connections count as a handshake of the same peer: it would wait until they are so old. */
const olderThanMs = 11_000
const watchedMs = 60_000
const pageTargetMs = 15_000
const nodeTargetMs = 5_000

interface Path {
  readonly label: string
  readonly targetMs: number
  firstAnswer(withinMs: number): Promise<number | undefined>
}

export const newAddress: Section = {
  name: 'new-address',
  title: 'A router that gets another public address',
  deadlineMs: 420_000,
  run: async ({ lab, pages, log }) => {
    const world = new World(serverAddress)
    const [server] = await Promise.all([startServer(world, lab), startTurn(world)])
    const home = world.behind('port-restricted', { name: 'home', address: addresses[0] ?? '' })
    const away = world.publicHost('away', '192.0.2.1')
    const [mover, other] = await Promise.all([pages.open(home), pages.open(away)])
    const init = { network, trustedPoints: [server.securePoint], iceServers: stunOnly }
    const otherId = await other.ask.start(init)
    await other.ask.reachable(meetWithinMs)
    await mover.ask.start(init)
    const node = await lab.start(nodePeer, { network, trustedPoints: [server.tcpPoint] }, home.place)
    const paths: Path[] = [
      { label: 'page to a Node peer, WebSocket', targetMs: pageTargetMs, firstAnswer: (ms) => mover.ask.firstAnswer(server.id, ms) },
      { label: 'page to a page, WebRTC', targetMs: pageTargetMs, firstAnswer: (ms) => mover.ask.firstAnswer(otherId, ms) },
      { label: 'Node peer to a Node peer, TCP', targetMs: nodeTargetMs, firstAnswer: (ms) => node.ask.firstAnswer(server.id, ms) }
    ]
    const rounds: (number | undefined)[][] = []
    for (const address of addresses.slice(1)) {
      for (const { label, firstAnswer } of paths)
        if ((await firstAnswer(meetWithinMs)) === undefined) throw new Error(`${label}: no path to begin with`)
      await pause(olderThanMs)
      home.moveTo(address)
      const movedAt = performance.now()
      rounds.push(await Promise.all(paths.map(({ firstAnswer }) => firstAnswer(watchedMs))))
      const isLate = rounds.at(-1)?.some((ms, i) => ms === undefined || ms > (paths[i]?.targetMs ?? 0))
      if (isLate === true)
        log([`the change was ${Math.round(performance.now() - movedAt)} ms ago`, ...(await mover.ask.story())].join('\n  '))
      log(
        rounds
          .at(-1)
          ?.map((ms, i) => `${paths[i]?.label}: ${ms === undefined ? 'none' : seconds(ms)}`)
          .join('; ') ?? ''
      )
    }
    const missed: string[] = []
    const rows = paths.map(({ label, targetMs }, i) => {
      const times = rounds.map((round) => round[i])
      for (const ms of times) if (ms === undefined || ms > targetMs) missed.push(`${label}: ${ms === undefined ? 'none' : seconds(ms)}`)
      return [label, seconds(targetMs), times.map((ms) => (ms === undefined ? `none in ${seconds(watchedMs)}` : seconds(ms))).join(', ')]
    })
    return {
      text: table(['from behind the router', 'target', `a message gets through again after, ${rounds.length} changes`], rows),
      missed
    }
  }
}
