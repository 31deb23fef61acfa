/** The few choices of a person that this browser remembers for the page itself. Browsers that block site data throw at the mere look at `localStorage`. */

export function recall(key: string): string | undefined {
  try {
    return localStorage.getItem(`p2p-pool-light-client/${key}`) ?? undefined
  } catch {
    return undefined
  }
}

/** Forgotten at the next visit where the browser does not allow it. */
export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`p2p-pool-light-client/${key}`, value)
  } catch {
    return
  }
}
