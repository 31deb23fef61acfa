/** Do the routers do what their names say? Asked with plain UDP, before anything else is believed. */
import type { Actor, Lab } from '../../laboratory/lab.ts'
import type { VerbsOf } from '../../laboratory/role.ts'
import { type NatKind, natKinds } from '../kit/nat.ts'
import { mainPort, otherPort, udpClient, udpServer } from '../kit/udp.ts'
import { type SiteBehind, World } from '../kit/world.ts'
import { type Section, table } from '../section.ts'

const firstServer = '203.0.113.10'
const secondServer = '203.0.113.11'

interface Behaviour {
  /** Two destinations see the same port. */
  readonly keepsPort: boolean
  readonly letsIn: 'anybody' | 'hosts that were written to' | 'ports that were written to'
}

const expected: Record<NatKind, Behaviour> = {
  'full-cone': { keepsPort: true, letsIn: 'anybody' },
  'address-restricted': { keepsPort: true, letsIn: 'hosts that were written to' },
  'port-restricted': { keepsPort: true, letsIn: 'ports that were written to' },
  symmetric: { keepsPort: false, letsIn: 'ports that were written to' }
}

interface Servers {
  readonly first: Actor<VerbsOf<typeof udpServer>>
  readonly second: Actor<VerbsOf<typeof udpServer>>
}

async function behaviourOf(lab: Lab, site: SiteBehind, { first, second }: Servers): Promise<Behaviour> {
  const client = await lab.start(udpClient, {}, site.place)
  const asker = await client.ask.open()
  const seen = [
    await client.ask.ask(asker, { host: firstServer, port: mainPort }),
    await client.ask.ask(asker, { host: secondServer, port: mainPort })
  ]
  const waiter = await client.ask.open()
  const mapped = await client.ask.ask(waiter, { host: firstServer, port: mainPort })
  if (mapped === undefined || seen.includes(undefined)) throw new Error(`${site.name} gets no answers`)
  await first.ask.write(mapped, { port: otherPort, word: 'other port' })
  await second.ask.write(mapped, { port: mainPort, word: 'other host' })
  const [otherPortIn, otherHostIn] = [await client.ask.hears(waiter, 'other port'), await client.ask.hears(waiter, 'other host')]
  await client.kill()
  return {
    keepsPort: seen[0]?.port === seen[1]?.port,
    letsIn: otherHostIn ? 'anybody' : otherPortIn ? 'hosts that were written to' : 'ports that were written to'
  }
}

export const nats: Section = {
  name: 'nats',
  title: 'What the routers do with UDP',
  deadlineMs: 60_000,
  run: async ({ lab, log }) => {
    const world = new World(firstServer)
    const [first, second] = (await Promise.all(
      [firstServer, secondServer].map((host) => lab.start(udpServer, { host }, world.publicHost(host, host).place))
    )) as [Servers['first'], Servers['second']]
    const rows: string[][] = []
    const missed: string[] = []
    for (const [place, kind] of natKinds.entries()) {
      const site = world.behind(kind, { name: kind, address: `198.51.100.${place + 1}` })
      const behaviour = await behaviourOf(lab, site, { first, second })
      const { keepsPort, letsIn } = behaviour
      rows.push([kind.replace('-', ' '), keepsPort ? 'one for all destinations' : 'another for each destination', letsIn])
      if (keepsPort !== expected[kind].keepsPort || letsIn !== expected[kind].letsIn) missed.push(`${kind}: ${JSON.stringify(behaviour)}`)
      log(`${kind}: ${rows.at(-1)?.slice(1).join('; ')}`)
    }
    return { text: table(['router', 'public port', 'lets in'], rows), missed }
  }
}
