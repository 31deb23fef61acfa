/**
 * Twenty pages in Chromium whose two relays are killed. From then on each minute one page closes, a newcomer takes its place, and one reloads. Both
 * know no server that runs, so another page lets them in: the run carries the texts of an invitation as a person would.
 */
import { type Finding, type LongRun, type LongRunOptions, pause } from './finding.ts'
import type { Hostility } from './hostile-introducer.ts'
import { PageNetwork } from './page-network.ts'
import { isInBand, PageRecord } from './page-record.ts'

const defaultPages = 20
const defaultMinutes = 60
const hostileMinutes = 5
const lookEveryMs = 2_000
/** Until all pages are in their band, ms. */
const settleWithinMs = 120_000
/** In it for so long before the relays are killed, ms. */
const steadyMs = 20_000
const minShare = 0.95
/** Of the connections at the end, by one introducer among twenty pages. */
const maxShare = 0.1

export const pageRuns: readonly LongRun[] = [
  {
    name: 'pages',
    about: '20 pages go on without their relays; each minute one closes, one comes, one reloads. 63 minutes',
    async run(options) {
      return (await watch(options, defaultMinutes)).findings(minShare)
    }
  },
  {
    name: 'pages-hostile',
    about: 'the same with a page that swallows what it should pass on, and with one that floods. 15 minutes',
    async run(options) {
      const findings: Finding[] = []
      for (const hostile of ['swallows', 'floods'] as const) {
        options.say(`one page ${hostile}`)
        const record = await watch(options, hostileMinutes, hostile)
        findings.push(
          ...[...record.findings(minShare), ...record.hostileFindings(maxShare)].map(({ what, ...rest }) => ({
            what: `one page ${hostile}: ${what}`,
            ...rest
          }))
        )
      }
      return findings
    }
  }
]

async function watch(
  { minutes, scale, pages = defaultPages, say, seed }: LongRunOptions,
  ownMinutes: number,
  hostile?: Hostility
): Promise<PageRecord> {
  const world = await PageNetwork.start({ seed, say })
  try {
    await world.openAll(pages, hostile)
    say(`${pages} pages are open`)
    await untilSteady(world)
    world.killRelays()
    const killedAt = performance.now()
    say('both relays are killed')
    const record = new PageRecord(world, killedAt)
    console.log(PageRecord.head)
    for (let minute = 0; minute < (minutes ?? ownMinutes) * scale; minute++) {
      const until = killedAt + (minute + 1) * 60_000
      const half = async (end: number, disturb: () => Promise<void>): Promise<void> => {
        const disturbed = disturb().catch((error: unknown) => say(`the churn failed: ${String(error)}`))
        await lookUntil(end, world, record)
        await disturbed
      }
      await half(until - 30_000, () => world.replaceOne())
      await half(until, () => world.reloadOne())
      console.log(await record.row(minute + 1))
    }
    for (const line of record.totals()) say(line)
    return record
  } finally {
    await world.stop()
  }
}

async function lookUntil(end: number, world: PageNetwork, record: PageRecord): Promise<void> {
  while (performance.now() < end) {
    const next = Math.min(end, performance.now() + lookEveryMs)
    record.note(await world.look())
    await pause(Math.max(0, next - performance.now()))
  }
}

async function untilSteady(world: PageNetwork): Promise<void> {
  const until = performance.now() + settleWithinMs
  let since = performance.now()
  while (performance.now() - since < steadyMs) {
    await pause(lookEveryMs)
    if (!(await world.look()).every(isInBand)) since = performance.now()
    if (performance.now() > until) throw new Error('the pages are not in their band while the relays run')
  }
}
