/** The verbs that show something. What they print is made in `listings.ts` and `status-text.ts`. */
import { Option } from 'commander'
import type { PeerDescription } from '../../src/core/api/snapshot.ts'
import type { Explanation } from '../../src/core/decisions/explain.ts'
import { CommandError } from './command-error.ts'
import { exitStatus } from './exit-status.ts'
import type { Health } from './health.ts'
import { blocksText, connectionsText, eventLine, orderConnections, peerText, pointsText, sortKeys, whyBlockedText } from './listings.ts'
import { readStatus } from './peer-status.ts'
import { healthText, statusText } from './status-text.ts'
import { snapshotOf } from './steering-verbs.ts'
import { blocksOf, readTarget } from './target.ts'
import { safe } from './text-output.ts'
import { runTop } from './top.ts'
import { jsonOf, type Session, type Verbs } from './verb-command.ts'

const pointStates = ['disconnected', 'requested', 'accepted', 'running']

/** Declares them. */
export function addLookingVerbs({ add, asking }: Verbs): void {
  add('status', 'the peer as a whole: health, addresses, relay, what is known, what is blocked').action(
    asking(async ({ client, out, say }: Session) => {
      const status = readStatus(await client.ask('status'))
      say(status, () => statusText(status, out))
    })
  )
  add('peers', 'who is connected')
    .option('-v, --verbose', 'with the point, the remote address and what the peer takes part in')
    .addOption(new Option('--sort <key>', 'order').choices(Object.keys(sortKeys)).default('age'))
    .action(
      asking(async ({ client, out, say }: Session, { verbose = false, sort }: { verbose?: boolean; sort: keyof typeof sortKeys }) => {
        const { connections = [] } = await snapshotOf(client, 'connections')
        const sorted = orderConnections(connections, sort)
        say({ connections: sorted }, () => connectionsText(sorted, { out, verbose }))
      })
    )
  add('peer <id>', 'all that is known of one peer: state, score, history').action(
    asking(async ({ client, out, say }: Session, text: string) => {
      const { peerId } = readTarget(text, 'peer')
      const peer = (await client.ask('peers.info', peerId)) as PeerDescription | null
      if (peer === null) throw new CommandError('failed', `${peerId} is not known`)
      const explanation = (await client.ask('explain', peerId)) as Explanation
      say({ peer, explanation }, () => peerText(peer, explanation, out))
    })
  )
  add('points', 'the known points')
    .addOption(new Option('--state <state>', 'only those in this state').choices(pointStates))
    .action(
      asking(async ({ client, out, say }: Session, { state }: { state?: string }) => {
        const { points = [] } = await snapshotOf(client, 'points')
        const shown = points.filter((point) => state === undefined || point.state === state)
        say({ points: shown }, () => pointsText(shown, out))
      })
    )
  add('bans', 'who is banned or greylisted, and until when').action(
    asking(async ({ client, out, say }: Session) => {
      const { blocks = [] } = await snapshotOf(client, 'blocks')
      say({ blocks }, () => blocksText(blocks, out))
    })
  )
  add('why <target>', 'why a point or peer is not connected, and when it is tried next; of a host or range, what keeps it out').action(
    asking(async ({ client, say }: Session, text: string) => {
      const target = readTarget(text, 'peer', 'point', 'host', 'range')
      if (target.kind === 'host' || target.kind === 'range') {
        const { blocks = [] } = await snapshotOf(client, 'blocks')
        const found = blocksOf(target, blocks)
        say({ target, blocks: found }, () => whyBlockedText(target, found))
        return
      }
      const explanation = (await client.ask('explain', target.kind === 'peer' ? target.peerId : target.point)) as Explanation
      say({ explanation }, () => `${safe(explanation.text)}\n`)
    })
  )
  add('events', 'the last events; in JSON, one object per line')
    .option('-f, --follow', 'and those that come, until Ctrl-C')
    .action(
      asking(async ({ client, json, out, untilEnded }: Session, { follow = false }: { follow?: boolean }) => {
        for await (const event of client.events({ follow, signal: untilEnded() })) out.write(json ? `${jsonOf(event)}\n` : eventLine(event))
      })
    )
  add('top', 'live: the band, the connections with their rates, the last events; keys sort, ask why, disconnect and ban').action(
    asking(async ({ client, out, terminal, untilEnded }: Session) => {
      if (terminal === undefined) throw new CommandError('usage', 'top: expected a terminal; into a pipe write status, peers or events -f')
      await runTop(client, { terminal, hasColors: out.hasColors, signal: untilEnded() })
    })
  )
  add(
    'log [namespaces...]',
    'which loggers of libp2p and the pool write to standard error of the peer, such as p2p-pool:*; without names none'
  ).action(
    asking(async ({ client, say }: Session, names: readonly string[]) => {
      await client.ask('log', names.join(','))
      say({ namespaces: names }, () =>
        names.length === 0 ? 'no logger writes\n' : `these write to standard error of the peer: ${safe(names.join(' '))}\n`
      )
    })
  )
  add('metrics', 'figures of the peer, the pool and libp2p, as Prometheus reads them').action(
    asking(async ({ client, say }: Session) => {
      const metrics = await client.ask('metrics')
      if (typeof metrics !== 'string') throw new CommandError('invalid-answer', 'metrics: expected a text')
      say({ metrics }, () => metrics)
    })
  )
  add('health', 'exit status 0: in the band, 1: fewer connections than the minimum, 2: not running').action(
    asking(async ({ client, say }: Session) => {
      const { health, pool } = readStatus(await client.ask('status'))
      say({ health, active: pool.active, band: pool.band }, () => `${healthText({ health, ...pool })}\n`)
      return healthStatus[health]
    })
  )
}

const healthStatus = {
  'in-band': exitStatus.done,
  filling: exitStatus.done,
  'below-minimum': exitStatus.failed,
  'not-running': exitStatus.notRunning
} satisfies Record<Health, number>
