/** The verbs that change something: connections, trust, bans, the band. Each calls methods of the pool by their own names. */
import { hostOf } from '../../src/core/values/address.ts'
import type { PeerId, Point } from '../../src/core/values/ids.ts'
import type { ConnectionInfo, PoolSnapshot } from '../../src/core/values/snapshot.ts'
import { CommandError } from './command-error.ts'
import type { ControlClient } from './control-client.ts'
import { exitStatus } from './exit-status.ts'
import { isNamed, nameOf, readDuration, readTarget, type Target } from './target.ts'
import { safe } from './text-output.ts'
import type { Session, Verbs } from './verb-command.ts'

/** Declares them. */
export function addSteeringVerbs({ add, asking }: Verbs): void {
  add('connect <target>', 'connect with a point (a multiaddr) or a known peer (its id) now, whatever its back-off').action(
    asking(async ({ client, say }: Session, text: string) => {
      const [point, expectedPeerId] = await placeOf(client, readTarget(text, 'point', 'peer'))
      const { peerId } = (await client.ask('connect', point, expectedPeerId === undefined ? {} : { expectedPeerId })) as ConnectionInfo
      say({ peerId, point }, () => `connected with ${peerId} at ${point}\n`)
    })
  )
  add('disconnect <target>', 'end the connections with a peer, point, host or range')
    .option('--reason <text>', 'said to the peers', 'asked to')
    .action(
      asking(async ({ client, say }: Session, text: string, { reason }: { reason: string }) => {
        const target = readTarget(text, 'peer', 'point', 'host', 'range')
        const { connections = [] } = await snapshotOf(client, 'connections')
        const peerIds = connections.filter((connection) => isNamed(target, connection)).map(({ peerId }) => peerId)
        for (const peerId of peerIds) await client.ask('disconnect', peerId, reason)
        say({ disconnected: peerIds }, () =>
          peerIds.length === 0 ? `no connection with ${nameOf(target)}\n` : peerIds.map((peerId) => `disconnected ${peerId}\n`).join('')
        )
        return peerIds.length === 0 ? exitStatus.failed : exitStatus.done
      })
    )
  add('trust <target>', 'trust a peer or point: it is dialed before others, kept, and never greylisted').action(
    asking(async (session: Session, text: string) => {
      const target = readTarget(text, 'peer', 'point')
      if (target.kind === 'peer') await session.client.ask('peers.trust', target.peerId)
      else
        await session.client.ask('registerPoint', target.point, {
          trusted: true,
          ...(target.expectedPeerId === undefined ? {} : { expectedPeerId: target.expectedPeerId })
        })
      done(session, 'trusted', target)
    })
  )
  add('untrust <target>', 'trust a peer or point no more').action(
    asking(async (session: Session, text: string) => {
      const target = readTarget(text, 'peer', 'point')
      await (target.kind === 'peer'
        ? session.client.ask('peers.untrust', target.peerId)
        : session.client.ask('points.untrust', target.point))
      done(session, 'trusted no more', target)
    })
  )
  add('ban <target>', 'ban a peer, the host of a point, a host or a range, and end its connections')
    .option('--for <time>', 'such as 90s, 30m, 2h or 7d (default: until it is lifted)')
    .action(
      asking(async (session: Session, text: string, { for: time }: { for?: string }) => {
        const target = readTarget(text, 'peer', 'point', 'host', 'range')
        const endsAt = time === undefined ? undefined : Date.now() + readDuration(time)
        const [verb, what] = banOf(target)
        await session.client.ask(`${verb[0]}.ban${verb[1]}`, what, endsAt === undefined ? {} : { endsAt })
        done(session, `banned ${endsAt === undefined ? 'until it is lifted' : `until ${new Date(endsAt).toISOString()}`}`, target, {
          endsAt: endsAt ?? null
        })
      })
    )
  add('unban <target>', 'lift a ban or greylisting of a peer, the host of a point, a host or a range').action(
    asking(async (session: Session, text: string) => {
      const target = readTarget(text, 'peer', 'point', 'host', 'range')
      const [verb, what] = banOf(target)
      const { blocks = [] } = await snapshotOf(session.client, 'blocks')
      const lifted = blocks.some(({ peerId, host }) => (peerId ?? host) === (target.kind === 'point' ? hostOf(target.point) : what))
      await session.client.ask(`${verb[0]}.unban${verb[1]}`, what)
      done(session, lifted ? 'banned no more' : 'was not banned', target, { lifted })
    })
  )
  add('forget <target>', 'forget a point, or all points of a peer').action(
    asking(async ({ client, say }: Session, text: string) => {
      const target = readTarget(text, 'point', 'peer')
      const { points: known = [] } = await snapshotOf(client, 'points')
      const points = known.filter((one) => isNamed(target, one)).map(({ point }) => point)
      for (const point of points) await client.ask('unregisterPoint', point)
      say({ forgotten: points }, () =>
        points.length === 0 ? `no point of ${nameOf(target)} is known\n` : points.map((point) => `forgot ${point}\n`).join('')
      )
      return points.length === 0 ? exitStatus.failed : exitStatus.done
    })
  )
  add('band <min> <expected> <max>', 'keep another number of connections, until the peer ends').action(
    asking(async ({ client, say }: Session, ...given: readonly unknown[]) => {
      const [min, expected, max] = given.slice(0, 3).map((text) => (/^\d{1,6}$/.test(String(text)) ? Number(text) : text))
      await client.ask('setBand', { min, expected, max })
      say({ band: { min, expected, max } }, () => `the band is ${min} to ${max} connections, ${expected} expected\n`)
    })
  )
  add('maintain', 'look at the band now; returns when it is kept, or nothing can be done for it at the moment').action(
    asking(async ({ client, say }: Session) => {
      await client.ask('maintain')
      const explanation = (await client.ask('explainBand')) as { readonly text: string }
      say({ explanation }, () => `${safe(explanation.text)}\n`)
    })
  )
  add('save', 'write what changed to the data folder now').action(
    asking(async ({ client, say }: Session) => {
      await client.ask('savePeers')
      const { storage } = await snapshotOf(client, 'storage')
      if (storage === undefined || storage.failure !== null)
        throw new CommandError('failed', `not saved: ${storage?.failure ?? 'unknown'} (${storage?.name ?? ''})`)
      say({ storage }, () => `saved to ${storage.name}\n`)
    })
  )
  add('clear-greylist', 'lift all greylistings; bans stay').action(
    asking(async ({ client, say }: Session) => {
      await client.ask('clearGreylist')
      say({ cleared: true }, () => 'the greylist is empty\n')
    })
  )
}

function done({ say }: Session, what: string, target: Target, more: object = {}): void {
  say({ target, ...more }, () => `${nameOf(target)}: ${what}\n`)
}

/** The methods of the pool about it, `[noun, what follows ban and unban]`, and their argument. */
function banOf(target: Target): [readonly ['peers' | 'points', '' | 'Host' | 'Range'], string] {
  switch (target.kind) {
    case 'peer':
      return [['peers', ''], target.peerId]
    case 'point':
      return [['points', ''], target.point]
    case 'host':
      return [['points', 'Host'], target.host]
    case 'range':
      return [['points', 'Range'], target.range]
  }
}

async function placeOf(client: ControlClient, target: Extract<Target, { kind: 'point' | 'peer' }>): Promise<[Point, PeerId | undefined]> {
  if (target.kind === 'point') return [target.point, target.expectedPeerId]
  const { points = [] } = await snapshotOf(client, 'points')
  const { peerId } = target
  const known = points.filter((point) => point.peerId === peerId || point.expectedPeerId === peerId)
  const [latest] = known.toSorted((a, b) => (b.lastSeenAt ?? 0) - (a.lastSeenAt ?? 0))
  if (latest === undefined) throw new CommandError('failed', `no point of ${peerId} is known: give its multiaddr`)
  return [latest.point, peerId]
}

export async function snapshotOf(client: ControlClient, ...fields: readonly (keyof PoolSnapshot)[]): Promise<Partial<PoolSnapshot>> {
  return (await client.ask('snapshot', fields)) as Partial<PoolSnapshot>
}
