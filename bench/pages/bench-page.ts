/** What both pages have in common: they are told whom to connect to, and show how it went. */

/** In the fragment of the page's address, as JSON. */
export interface PageInit {
  /** The first peer, which is a relay. */
  readonly relay: string
  /** Connected to once the first connection runs. */
  readonly others: readonly string[]
}

/** As `globalThis.benchPage`, once the first connection runs. */
export interface BenchPage {
  /** Since the navigation began. */
  readonly firstMs: number
  readonly connections: () => number
}

export function pageInit(): PageInit {
  return JSON.parse(decodeURIComponent(location.hash.slice(1))) as PageInit
}

export function show(page: BenchPage): void {
  Object.assign(globalThis, { benchPage: page })
}
