/** Where the peers are: `/settings.json`, from the server that serves this page. A program of its own has these values built in. */

export interface Settings {
  readonly network: string
  /** Addresses of servers. */
  readonly trustedPoints: readonly string[]
}

const deadlineMs = 10_000

/** Rejects with a sentence for the person in front of the page. */
export async function loadSettings(): Promise<Settings> {
  const response = await fetch('/settings.json', { cache: 'no-store', signal: AbortSignal.timeout(deadlineMs) }).catch((cause: unknown) => {
    throw new Error('The server of this page does not answer.', { cause })
  })
  if (!response.ok) throw new Error(`The server of this page has no settings: it answered ${response.status}.`)
  return response.json()
}
