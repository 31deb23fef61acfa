/** Pages as the vertices of a graph, their connections as its edges. */

/** How many parts it falls into. Parts without one of `counted` are left out. */
export function partsOf(pages: ReadonlyMap<string, readonly string[]>, counted: ReadonlySet<string>): number {
  const edges = new Map<string, Set<string>>([...pages.keys()].map((page) => [page, new Set()]))
  for (const [page, peers] of pages)
    for (const peer of peers) {
      // Both sides of an edge: one may not have noticed yet that it is there, or that it is gone.
      edges.get(peer)?.add(page)
      if (edges.has(peer)) edges.get(page)?.add(peer)
    }
  const seen = new Set<string>()
  let parts = 0
  for (const start of counted) {
    if (seen.has(start) || !edges.has(start)) continue
    parts++
    const waiting = [start]
    for (let page = waiting.pop(); page !== undefined; page = waiting.pop()) {
      if (seen.has(page)) continue
      seen.add(page)
      waiting.push(...(edges.get(page) ?? []))
    }
  }
  return parts
}
