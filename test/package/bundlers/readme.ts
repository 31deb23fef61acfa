/** The two programs of README.md, as they stand there, with addresses of this machine. */
import { readFile } from 'node:fs/promises'

export interface ReadmePrograms {
  /** The Node peer, at ports that the system chooses. */
  readonly node: string
  /** The page that trusts the peer at `address`. It leaves its pool in the global `pool`. */
  page(address: string): string
}

/** Throws if README.md has changed so that the addresses are not found. */
export async function readmePrograms(path: string): Promise<ReadmePrograms> {
  const text = await readFile(path, 'utf8')
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
  const one = (entry: string): string => {
    const found = blocks.filter((code) => code.includes(`from 'p2p-pool/${entry}'`))
    if (found.length !== 1) throw new Error(`expected one program of README.md to import p2p-pool/${entry}, found ${found.length}`)
    return found[0] ?? ''
  }
  const page = one('web')
  return {
    node: replaced(one('node'), /\/ip4\/0\.0\.0\.0\/tcp\/\d+/g, '/ip4/127.0.0.1/tcp/0'),
    page: (address) => `${replaced(page, /\/dns4\/relay\.example\.org\/[^']*/g, address)}\nglobalThis.pool = pool\n`
  }
}

function replaced(code: string, pattern: RegExp, text: string): string {
  if (!pattern.test(code)) throw new Error(`expected ${pattern} in a program of README.md`)
  return code.replace(pattern, text)
}
