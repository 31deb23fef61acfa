/**
 * In which order Vitest takes the test files: within a group of projects, the files of each are spread evenly over the whole time, so
 * that what computes and what waits share the processors. Known long ones begin in the first half: none of them shall be alone at the end.
 * The unit tests fill the end, one after the other: a worker keeps what it has loaded only for a next file of the same project.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** A fresh checkout has no durations of an earlier run. */
const longFirst = [
  'sim/faults',
  'sim/hostile',
  'node/shared-pool.test',
  'node/command/trouble',
  'node/web-peer',
  'package/consumer',
  'node/cli/demo.test',
  'light-client/real',
  'node/new-tab',
  'node/json-file',
  'node/page-relays',
  'node/web-storage'
]

export class MixedOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const byGroup = Map.groupBy(sorted, ({ project }) => project.config.sequence.groupOrder)
    return [...byGroup.values()].flatMap(mixed)
  }
}

function mixed(files: readonly TestSpecification[]): TestSpecification[] {
  const byProject = Map.groupBy(files, ({ project }) => project.name)
  const unit = byProject.get('unit') ?? []
  byProject.delete('unit')
  const others = [...byProject.values()]
    .flatMap((own) => [
      ...spread(own.filter(isLong).toSorted(byRank), 0.5),
      ...spread(
        own.filter((file) => !isLong(file)),
        1
      )
    ])
    .sort((a, b) => a.at - b.at)
    .map(({ file }) => file)
  return [...others, ...unit]
}

/** Each file with its place, from 0 to `end`. */
function spread(files: readonly TestSpecification[], end: number): { file: TestSpecification; at: number }[] {
  return files.map((file, i) => ({ file, at: ((i + 0.5) / files.length) * end }))
}

const isLong = (file: TestSpecification): boolean => rank(file) < longFirst.length
const byRank = (a: TestSpecification, b: TestSpecification): number => rank(a) - rank(b)

function rank({ moduleId }: TestSpecification): number {
  const at = longFirst.findIndex((part) => moduleId.includes(`/test/${part}`) || moduleId.includes(`/test/examples/${part}`))
  return at === -1 ? longFirst.length : at
}
