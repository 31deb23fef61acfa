/** What the laboratory needs of its machine, said before anything is begun. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Commands, and the Debian packages that have them. */
const tools: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  turnserver: 'coturn',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount'
}

export interface MachineFacts {
  readonly platform: string
  readonly isRoot: boolean
  hasCommand(name: string): boolean
}

export const thisMachine: MachineFacts = {
  platform: process.platform,
  isRoot: process.getuid?.() === 0,
  hasCommand: (name) => (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && isExecutable(join(folder, name)))
}

/** What is missing, in one sentence; `undefined` if nothing is. */
export function missingOn({ platform, isRoot, hasCommand }: MachineFacts): string | undefined {
  if (platform !== 'linux' || !isRoot)
    return 'The laboratory needs root on Linux: it makes network namespaces with public-looking addresses. Nothing was run.'
  const missing = Object.keys(tools).filter((name) => !hasCommand(name))
  if (missing.length === 0) return undefined
  const packages = [...new Set(missing.map((name) => tools[name]))]
  return `The laboratory needs ${missing.join(', ')}: apt-get install ${packages.join(' ')}. Nothing was run.`
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
