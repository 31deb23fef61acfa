/**
 * `npm run sim -- --scenario X --pools N --seed S`: runs one scenario, once for each number of pools and each seed, prints the figures,
 * writes a plot. Ends with 1 when a bar was not met or an invariant was broken. `--twice` runs each again and compares the two event logs.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { drawPlot } from './plot.ts'
import type { Report, RunOptions, Scenario } from './scenario.ts'
import { scenarios } from './scenarios/index.ts'
import { withoutStacks } from './without-stacks.ts'

const usage = `npm run sim -- --scenario NAME [--pools N] [--seed S] [--seeds N] [--minutes M | --seconds S] [--check K] [--plot FILE] [--twice] [--introductions] [--progress] [--world TEXT]

  --pools    how many pools; each scenario has its own default
  --seed     a whole number; the same seed gives the same run (default 1)
  --seeds    how many seeds, from that one on (default 1)
  --minutes  virtual minutes, where a scenario has no length of its own; --seconds: the same in seconds
  --check    check invariants in every K-th step (1: in every step); each scenario has its own default
  --plot     where the SVG plot of the last run goes (default .cache/sim/NAME.svg)
  --twice    run it twice and compare the event logs
  --introductions  every pool has that option; for advertise, sources, hungry and swappers
  --progress says on stderr how far a long run is, where a scenario does
  --world    of the scenario playground: what stands behind # in the address of the page

Scenarios:
${scenarios.map(({ name, about, bar }) => `  ${name.padEnd(12)} ${about}; bar: ${bar}`).join('\n')}
`

const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    pools: { type: 'string' },
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    check: { type: 'string' },
    plot: { type: 'string' },
    twice: { type: 'boolean', default: false },
    introductions: { type: 'boolean', default: false },
    progress: { type: 'boolean', default: false },
    world: { type: 'string' },
    help: { type: 'boolean', default: false }
  }
})

process.exitCode = await main()

async function main(): Promise<number> {
  const scenario = scenarios.find(({ name }) => name === values.scenario)
  if (values.help || scenario === undefined) {
    console.log(values.scenario === undefined || values.help ? usage : `unknown scenario ${JSON.stringify(values.scenario)}\n\n${usage}`)
    return values.help ? 0 : 2
  }
  const everySteps = whole('check', values.check)
  const checking = everySteps === undefined ? undefined : { everySteps }
  const [pools, firstSeed, seeds] = [whole('pools', values.pools), whole('seed', values.seed) ?? 1, whole('seeds', values.seeds) ?? 1]
  const seconds = whole('seconds', values.seconds)
  const minutes = seconds === undefined ? whole('minutes', values.minutes) : seconds / 60
  const { world, introductions } = values
  const progress = values.progress ? (line: string) => console.error(line) : () => undefined
  let bad = 0
  let runs = 0
  for (const size of pools === undefined ? scenario.pools : [pools]) {
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++, runs++)
      if (!(await isGood(scenario, { pools: size, seed, minutes, checking, world, introductions, progress }))) bad++
  }
  if (runs > 1) console.log(`${runs} runs, ${bad} of them bad`)
  return bad === 0 ? 0 : 1
}

async function isGood(scenario: Scenario, options: RunOptions): Promise<boolean> {
  const report = await timed(scenario, options)
  await save(scenario, report)
  const holds = report.isMet !== false && report.violations.length === 0
  if (!values.twice) return holds
  const again = await timed(scenario, options)
  console.log(again.hash === report.hash ? 'both runs have the same event log' : 'the two runs DIFFER')
  return holds && again.hash === report.hash
}

async function timed(scenario: Scenario, options: RunOptions): Promise<Report> {
  const startedAt = performance.now()
  const report = await withoutStacks(() => scenario.run(options))
  const tookS = (performance.now() - startedAt) / 1_000
  const { rss } = process.memoryUsage()
  console.log(`${scenario.name}: ${options.pools} pools, seed ${options.seed} (${scenario.about})`)
  const rows = [
    ...report.figures,
    { name: 'took, s; memory, MiB', value: `${tookS.toFixed(1)}; ${Math.round(rss / 2 ** 20)}` },
    { name: 'event log', value: report.hash },
    { name: 'broken invariants', value: String(report.violations.length) }
  ]
  for (const { name, value } of rows) console.log(`  ${name.padEnd(48)} ${value}`)
  console.log(`  ${'bar'.padEnd(48)} ${scenario.bar}${report.isMet === undefined ? '' : report.isMet ? ': met' : ': NOT MET'}`)
  for (const violation of report.violations) console.log(`  BROKEN ${violation}`)
  return report
}

async function save(scenario: Scenario, { plot }: Report): Promise<void> {
  if (plot === undefined) return
  const file = values.plot ?? `.cache/sim/${scenario.name}.svg`
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, drawPlot(plot))
  console.log(`  ${'plot'.padEnd(48)} ${file}`)
}

function whole(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0)
    throw new RangeError(`--${option}: expected a whole number from 0, got ${JSON.stringify(text)}`)
  return value
}
