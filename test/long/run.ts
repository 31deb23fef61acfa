/**
 * `npm run long`: what only shows after minutes, with real peers and real pages. Prints its figures and ends with 1 when a target is
 * missed. `docs/relays.md` has the figures that were measured.
 */
import { parseArgs } from 'node:util'
import type { Finding, LongRun } from './finding.ts'
import { gossip } from './gossip.ts'
import { introductions } from './introductions.ts'
import { invitations } from './invitations.ts'
import { pageRuns } from './pages.ts'
import { pagesComeAndGo } from './pages-come-and-go.ts'
import { relayRuns } from './relays.ts'
import { webRtc } from './web-rtc.ts'

const runs: readonly LongRun[] = [pagesComeAndGo, ...relayRuns, webRtc, introductions, invitations, ...pageRuns, gossip]

const usage = `npm run long -- NAME... [--seed S] [--scale F] [--minutes M] [--pages N]

  --seed     a whole number, for what happens by chance (default 1)
  --scale    the part of each run that is done, above 0 and up to 1 (default 1)
  --minutes  of the runs of pages (default 60, and 5 for hostile ones)
  --pages    of the runs of pages (default 20)

Runs:
${runs.map(({ name, about }) => `  ${name.padEnd(18)} ${about}`).join('\n')}
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    scale: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    pages: { type: 'string' },
    help: { type: 'boolean', default: false }
  }
})

process.exitCode = await main()
// Playwright keeps a handle open when a browser was ended by force.
process.exit()

async function main(): Promise<number> {
  const unknown = positionals.filter((name) => runs.every((run) => run.name !== name))
  const [seed, scale] = [Number(values.seed), Number(values.scale)]
  const [minutes, count] = [values.minutes, values.pages].map((text) => (text === undefined ? undefined : Number(text)))
  const isValid = Number.isInteger(seed) && scale > 0 && scale <= 1 && (minutes ?? 1) > 0 && (count ?? 4) >= 4
  if (values.help || positionals.length === 0 || unknown.length > 0 || !isValid) {
    console.log(unknown.length > 0 ? `There is no run ${unknown.join(', ')}.\n\n${usage}` : usage)
    return values.help ? 0 : 2
  }
  const findings: Finding[] = []
  for (const { name, run } of runs.filter((one) => positionals.includes(one.name))) {
    const begun = performance.now()
    const say = (line: string): void => console.log(`${clock()}  ${name}: ${line}`)
    say(`begins, seed ${seed}, scale ${scale}`)
    findings.push(...(await run({ seed, scale, minutes, pages: count, say })))
    say(`took ${((performance.now() - begun) / 60_000).toFixed(1)} min`)
  }
  for (const { what, measured, target, holds } of findings)
    console.log(`${holds ? 'holds ' : 'MISSED'}  ${what}: ${measured} (target: ${target})`)
  return findings.every(({ holds }) => holds) ? 0 : 1
}

function clock(): string {
  return new Date().toISOString().slice(11, 19)
}
