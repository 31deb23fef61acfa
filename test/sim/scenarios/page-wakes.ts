/** Pages sleep for a night while their network goes on without servers. In the morning they look for it. */
import type { Machine } from '../machine.ts'
import { PagesAlone } from '../pages-alone.ts'
import { closing, type Figure, figure, percent, type Report, type RunOptions, type Scenario } from '../scenario.ts'

const churnPerMinute = 0.02
const defaultMinutes = 8 * 60
/** Without servers, before the first page sleeps, ms. */
const eveningMs = 30 * 60_000
/** Of the pages so many sleep: half of these are frozen, and half are closed and opened again. */
const sleepers = 1 / 4
/** One Node peer for so many pages. */
const pagesPerNode = 10
/** All wake within so long, ms. */
const wakeWithinMs = 30_000
/** So long they look for their network without servers, and then with them, ms. */
const searchMs = 5 * 60_000
/** Of those that know a Node peer that still runs, and of all once the servers are back, so many must be back in their band by then. */
const barShare = 0.95
const barMs = 60_000

/** What outlives the night of what the sleeping pages knew. Everything else leaves and is replaced. */
interface Night {
  readonly name: string
  readonly nodes: number
  readonly connectedPages: boolean
}

const nights: readonly Night[] = [
  { name: 'their connected pages run, no Node peer', nodes: 0, connectedPages: true },
  { name: 'one Node peer runs', nodes: 1, connectedPages: false },
  { name: 'three Node peers run', nodes: 3, connectedPages: false }
]

export const pageWakes: Scenario = {
  name: 'page-wakes',
  about:
    'a quarter of the pages sleep for --minutes (default: 8 hours), frozen or closed, while the others live without servers and 2 % a minute leave; after they woke the servers come back',
  bar: 'of those that know a Node peer that still runs, and of all once the servers are back, 95 % are in their band within 60 s',
  pools: [40],
  async run(options) {
    const reports: Report[] = []
    for (const night of nights) reports.push(await runNight(night, options))
    return {
      figures: reports.flatMap(({ figures }) => figures),
      isMet: reports.every(({ isMet }) => isMet),
      violations: reports.flatMap(({ violations }) => violations),
      hash: reports.map(({ hash }) => hash).join(' '),
      plot: undefined
    }
  }
}

async function runNight(night: Night, { pools, seed, checking, minutes = defaultMinutes }: RunOptions): Promise<Report> {
  const nodes = Math.max(night.nodes, night.connectedPages ? 0 : Math.ceil(pools / pagesPerNode))
  const world = new PagesAlone({ pages: pools, nodes, seed, churn: churnPerMinute, saves: true, checking })
  await world.begin()
  await world.run(eveningMs)
  const sleeping = [...world.pages].filter((page) => !world.nodes.has(page)).slice(0, Math.floor(pools * sleepers))
  for (const node of [...world.nodes].slice(0, night.nodes)) world.staying.add(node)
  if (night.connectedPages) for (const page of sleeping) for (const one of pagesOf(world, page)) world.staying.add(one)
  for (const page of sleeping) world.goAway(page)
  await Promise.all(sleeping.map((page, i) => fallAsleep(world, page, { isFrozen: i % 2 === 0 })))
  await world.run(minutes * 60_000)
  const woken = new Map<Machine, Woken>()
  for (const [i, page] of sleeping.entries())
    world.sim.at(world.sim.random.next() * wakeWithinMs, () => woken.set(page, wake(world, page, { isFrozen: i % 2 === 0 })))
  await search(world, woken)
  const servers = new Map<Machine, Woken>()
  for (const [page, { isFrozen }] of woken)
    if (page.active < minOf(page)) servers.set(page, { isFrozen, atMs: world.sim.clock.now(), knew: 0, backMs: undefined })
  world.startServers()
  await search(world, servers)
  const all = [...woken.values()]
  const knowing = all.filter(({ knew }) => knew > 0)
  return {
    figures: [
      ...rows(
        `${night.name}: frozen`,
        all.filter(({ isFrozen }) => isFrozen)
      ),
      ...rows(
        `${night.name}: closed`,
        all.filter(({ isFrozen }) => !isFrozen)
      ),
      ...(servers.size === 0 ? [] : rows('  not back, once the servers are', [...servers.values()]))
    ],
    isMet: isMet(knowing) && isMet([...servers.values()]),
    ...closing(world.sim),
    plot: undefined
  }
}

/** A page that woke, or was opened again. */
interface Woken {
  readonly isFrozen: boolean
  readonly atMs: number
  /** Node peers that it knew and that run. */
  readonly knew: number
  /** How long it took until it had its minimum of connections, ms. */
  backMs: number | undefined
}

async function fallAsleep({ sim }: PagesAlone, page: Machine, { isFrozen }: { isFrozen: boolean }): Promise<void> {
  if (isFrozen) sim.sleep(page)
  else {
    await page.pool?.savePeers()
    sim.kill(page)
  }
}

function wake(world: PagesAlone, page: Machine, { isFrozen }: { isFrozen: boolean }): Woken {
  if (isFrozen) page.wake()
  else void page.start()
  const running = new Set([...world.nodes].filter(({ pool }) => pool !== undefined).map(({ network }) => network.point))
  // One that was closed reads its storage in the same turn.
  const woken = { isFrozen, atMs: world.sim.clock.now(), knew: 0, backMs: undefined }
  world.sim.at(0, () => {
    woken.knew = [...(page.program?.state.points ?? [])].filter(({ point }) => running.has(point)).length
  })
  return woken
}

async function search(world: PagesAlone, woken: ReadonlyMap<Machine, Woken>): Promise<void> {
  await world.run(searchMs, () => {
    for (const [page, one] of woken) {
      if (one.backMs !== undefined || page.active < minOf(page)) continue
      one.backMs = world.sim.clock.now() - one.atMs
      // Before that it invites nobody: two that know nobody else would be a network of their own.
      world.comeBack(page)
    }
  })
}

function rows(name: string, woken: readonly Woken[]): Figure[] {
  return [...new Set(woken.map(({ knew }) => knew))].sort().map((count) => {
    const those = woken.filter(({ knew }) => knew === count)
    const took = those.flatMap(({ backMs }) => backMs ?? []).sort((a, b) => a - b)
    const seconds = [took[took.length >> 1], took.at(-1)].map((ms) => (ms === undefined ? '–' : (ms / 1_000).toFixed(0)))
    return figure(
      `${name}; knew ${count} that runs`,
      `${took.length} of ${those.length} back (${percent(took.length / those.length)}); median, most: ${seconds.join(', ')} s`
    )
  })
}

function isMet(woken: readonly Woken[]): boolean {
  return woken.filter(({ backMs = Number.POSITIVE_INFINITY }) => backMs <= barMs).length >= woken.length * barShare
}

function pagesOf(world: PagesAlone, page: Machine): Machine[] {
  const connected = new Set([...(page.program?.state.connections() ?? [])].map(({ peerId }) => peerId))
  return [...world.pages].filter(({ network }) => connected.has(network.peerId))
}

function minOf(page: Machine): number {
  return page.program?.state.band.min ?? 0
}
