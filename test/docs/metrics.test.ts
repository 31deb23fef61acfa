/** The documents of the metrics, held against the table of the code: what people read, and what Grafana asks for. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type MetricDefinition, type MetricName, metricTable } from '../../src/libp2p/metric-table.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const metrics: ReadonlyMap<string, MetricDefinition> = new Map(Object.entries(metricTable))

describe('docs/metrics.md', () => {
  const rows = read('docs/metrics.md')
    .split('\n')
    .filter((line) => line.startsWith('| `p2p_pool_'))

  it('has a row for each metric: name, type, label, meaning', () => {
    const expected = Array.from(
      metrics,
      ([name, { type, label, help }]) => `| \`${name}\` | ${type} | ${label ? `\`${label[0]}\`` : ''} | ${help} |`
    )
    expect(rows.filter((row) => row.split(' | ').length === 4)).toEqual(expected)
  })

  it('lists all values of each label', () => {
    const expected = Array.from(metrics).flatMap(([name, { label }]) =>
      label === undefined ? [] : [`| \`${name}\` | ${label[1].map((value) => `\`${value}\``).join(', ')} |`]
    )
    expect(rows.filter((row) => row.split(' | ').length === 2)).toEqual(expected)
  })
})

describe('the table of metrics', () => {
  it.each([...metrics])('%s is named as Prometheus advises', (name, { type, help, buckets, label }) => {
    expect(name).toMatch(/^p2p_pool_[a-z_]+$/)
    expect(name.endsWith('_total')).toBe(type === 'counter')
    if (type === 'histogram') expect(name).toMatch(/_seconds$/)
    expect(help).toMatch(/\.$/)
    expect(buckets ?? []).toEqual([...(buckets ?? [])].sort((a, b) => a - b))
    expect(new Set(label?.[1]).size).toBe(label?.[1].length ?? 0)
  })
})

it('only import() leads to the code of the metrics: a page without metrics does not load it', () => {
  const own = ['pool-metrics.ts', 'instruments.ts', 'metric-table.ts']
  const sources = ['src', 'web', 'node'].flatMap((folder) =>
    readdirSync(new URL(`../../${folder}`, import.meta.url), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !own.some((file) => name.endsWith(`libp2p/${file}`)))
      .map((name) => `${folder}/${name}`)
  )
  const importing = (pattern: RegExp): string[] => sources.filter((path) => pattern.test(read(path)))
  expect(importing(/from '[^']*\/(pool-metrics|instruments|metric-table)\.ts'/)).toEqual([])
  expect(importing(/import\('[^']*\/pool-metrics\.ts'\)/)).toEqual(['src/libp2p/service.ts'])
})

interface Dashboard {
  readonly panels: readonly {
    readonly title: string
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[]
  }[]
  readonly templating: { readonly list: readonly { readonly query: string }[] }
}

/** Of a histogram Prometheus has three metrics. */
function definitionOf(name: string): MetricDefinition | undefined {
  const [, base = name] = /^(.*)_(?:bucket|sum|count)$/.exec(name) ?? []
  const definition = metrics.get(base)
  return (definition?.type === 'histogram') === (base !== name) ? definition : undefined
}

/** Labels that Prometheus adds. */
const added = ['instance', 'job']

describe('docs/grafana/p2p-pool.json', () => {
  const dashboard = JSON.parse(read('docs/grafana/p2p-pool.json')) as Dashboard
  const targets = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })))

  it('asks for something in each panel, each with a title of its own', () => {
    expect(new Set(dashboard.panels.map(({ title }) => title)).size).toBe(dashboard.panels.length)
    for (const { title, targets } of dashboard.panels) expect(targets.length, title).toBeGreaterThan(0)
  })

  it.each(targets)('$title: $expr', ({ expr, legendFormat }) => {
    const found = [...expr.matchAll(/\b(p2p_pool_\w+)(?:\{([^}]*)\})?/g)]
    expect(found.length).toBe(1)
    const [[, name = '', selectors = ''] = []] = found
    const definition = definitionOf(name)
    expect(definition, name).toBeDefined()
    const labels = [
      ...added,
      ...(name.endsWith('_bucket') ? ['le'] : []),
      ...(definition?.label === undefined ? [] : [definition.label[0]])
    ]
    for (const [, label = '', value = ''] of selectors.matchAll(/(\w+)=~?"([^"]*)"/g)) {
      expect(labels, name).toContain(label)
      if (label === definition?.label?.[0]) expect(definition.label[1]).toContain(value)
    }
    const grouped = (/\bby \(([^)]*)\)/.exec(expr)?.[1] ?? '').split(', ').filter((label) => label !== '')
    for (const label of grouped) expect(labels, name).toContain(label)
    for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(grouped).toContain(label)
    expect(/\b(rate|increase)\(/.test(expr), 'a rate of what only rises, and of nothing else').toBe(definition?.type !== 'gauge')
    expect(name.endsWith('_bucket')).toBe(expr.includes('histogram_quantile'))
    expect([...expr].filter((sign) => sign === '(').length).toBe([...expr].filter((sign) => sign === ')').length)
  })

  it('chooses among peers by a metric that exists', () => {
    const [, name = ''] = /label_values\((\w+), instance\)/.exec(dashboard.templating.list[1]?.query ?? '') ?? []
    expect(definitionOf(name)).toBeDefined()
  })

  it('shows what an operator watches', () => {
    const shown = targets.map(({ expr }) => expr).join('\n')
    const watched: readonly MetricName[] = [
      ...(['p2p_pool_band', 'p2p_pool_connections', 'p2p_pool_dials_total', 'p2p_pool_time_below_minimum_seconds'] as const),
      ...(['p2p_pool_round_trip_seconds', 'p2p_pool_blocked', 'p2p_pool_relay_reservations', 'p2p_pool_messages_total'] as const),
      ...(['p2p_pool_bytes_total', 'p2p_pool_storage_persistent'] as const)
    ]
    for (const name of watched) expect(shown).toContain(name)
  })
})
