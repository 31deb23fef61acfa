/** The machines that run as the vertices of a graph, their connections as its edges. */
import type { Machine } from './machine.ts'

/**
 * How many parts it falls into: 1 when everybody reaches everybody, over others. Machines that do not run are no vertices. Parts
 * without one of `counted` are left out: a machine that has just been started belongs to nobody yet.
 */
export function componentsOf(machines: readonly Machine[], counted: readonly Machine[] = machines): number {
  const up = machines.filter(({ pool }) => pool !== undefined)
  const byPeer = new Map<string, number>(up.map(({ network }, i) => [network.peerId, i]))
  const parent = up.map((_, i) => i)
  const find = (i: number): number => {
    let root = i
    while (parent[root] !== root) root = parent[root] as number
    for (let at = i; at !== root; ) {
      const next = parent[at] as number
      parent[at] = root
      at = next
    }
    return root
  }
  // Most graphs are one part long before all connections are looked at.
  let parts = up.length
  for (const [i, machine] of up.entries()) {
    if (parts === 1) break
    for (const { peerId } of machine.program?.state.connections() ?? []) {
      const j = byPeer.get(peerId)
      const [one, other] = [find(i), find(j ?? i)]
      if (one === other) continue
      parent[one] = other
      parts--
    }
  }
  const whoCounts = new Set(counted)
  return new Set(up.flatMap((machine, i) => (whoCounts.has(machine) ? [find(i)] : []))).size
}
