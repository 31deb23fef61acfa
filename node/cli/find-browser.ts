/**
 * Finds a browser that starts on this machine, or installs one. Which browsers there are is in chromium.ts and firefox.ts; starting pages
 * is left to others.
 */
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { type Machine, thisMachine } from './machine.ts'

/** A healthy browser prints its version in well under a second; a first start from a cold disk took three. */
const versionDeadlineMs = 20_000

/** A package manager that hangs must not hold up a test run for ever; 90 MB came in 40 s here. */
const installDeadlineMs = 300_000

export type Step = readonly [command: string, ...args: string[]]

/** What distinguishes one browser from another in the search. */
export interface Wanted {
  /** For people. */
  readonly name: string
  /** The environment variable that names the one to take. */
  readonly variable: string
  /** In the order in which they are tried. */
  readonly commandNames: readonly string[]
  /** Debian's name. */
  readonly aptPackage: string
  /** Where another installer keeps its own, and how it is asked for one. */
  readonly other?: {
    readonly name: string
    path(machine: Machine): Promise<string>
    install(machine: Machine): Step
  }
  /** What a person can do if none can be installed. */
  readonly advice: string
}

/** The one there is, or what was looked at in vain, one sentence each. */
export type BrowserSearch =
  | { readonly path: string; readonly version: string }
  | { readonly path: undefined; readonly tried: readonly string[] }

/**
 * Looks without changing anything: the environment variable, the path, another installer's own. Throws if the variable is set to
 * something that does not run: the user wants that one, not another.
 */
export async function findBrowser({ variable, commandNames, other }: Wanted, machine: Machine): Promise<BrowserSearch> {
  const chosen = machine.env[variable]
  if (chosen !== undefined && chosen !== '') {
    const version = await versionOf(chosen, machine)
    if (version === undefined) throw new Error(`${variable} is ${JSON.stringify(chosen)}; expected an executable that answers --version`)
    return { path: chosen, version }
  }

  const tried = [`${variable} is not set`]
  for (const name of commandNames) {
    for (const folder of (machine.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name)
      if (folder === '' || !(await machine.isExecutable(path))) continue
      const version = await versionOf(path, machine)
      if (version !== undefined) return { path, version }
      tried.push(`${path} does not start`)
    }
  }
  tried.push(`none of ${commandNames.join(', ')} on the path`)

  if (other !== undefined) {
    const path = await other.path(machine)
    const version = await versionOf(path, machine)
    if (version !== undefined) return { path, version }
    tried.push(`none of ${other.name} at ${path}`)
  }
  return { path: undefined, tried }
}

export interface InstallOptions {
  log(line: string): void
  readonly machine?: Machine
}

/** The path of one that starts; installs one if none is found. Rejects with an error that lists everything tried. May be repeated. */
export async function findOrInstallBrowser(wanted: Wanted, { log, machine = thisMachine }: InstallOptions): Promise<string> {
  const first = await findBrowser(wanted, machine)
  if (first.path !== undefined) return first.path
  const tried = [...first.tried]

  for (const way of await waysToInstall(wanted, machine)) {
    log(`no ${wanted.name} found; installing it: ${way.map((step) => step.join(' ')).join(' && ')}`)
    const failure = await runAll(way, machine)
    if (failure !== undefined) {
      tried.push(failure)
      continue
    }
    const search = await findBrowser(wanted, machine)
    if (search.path !== undefined) {
      log(`installed ${search.version} at ${search.path}`)
      return search.path
    }
    tried.push(`after the installation: ${search.tried.join(', ')}`)
  }
  const lines = tried.map((line) => `  - ${line}`).join('\n')
  throw new Error(`no ${wanted.name} found and none could be installed:\n${lines}\n${wanted.advice}`)
}

/** For a file that is run as a command: prints the path, or what was tried. */
export async function findOrInstallAsCommand(wanted: Wanted): Promise<void> {
  try {
    const path = await findOrInstallBrowser(wanted, { log: (line) => console.error(line) })
    console.log(`${wanted.name}: ${path}`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

async function waysToInstall({ aptPackage, other }: Wanted, machine: Machine): Promise<readonly (readonly Step[])[]> {
  const apt: readonly Step[] = [
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', aptPackage]
  ]
  return [...((await machine.mayUseApt()) ? [apt] : []), ...(other === undefined ? [] : [[other.install(machine)]])]
}

/** Runs the steps in turn; says which one failed, and how. */
async function runAll(steps: readonly Step[], machine: Machine): Promise<string | undefined> {
  for (const [command, ...args] of steps) {
    const { ok, output } = await machine.run(command, args, { deadlineMs: installDeadlineMs, visible: true })
    if (!ok) return `${[command, ...args].join(' ')} failed: ${output.trim() || 'see its output above'}`
  }
}

/** Only one that answers counts: Ubuntu's `chromium-browser` is a script that asks for a snap. */
async function versionOf(path: string, machine: Machine): Promise<string | undefined> {
  if (!(await machine.isExecutable(path))) return undefined
  const { ok, output } = await machine.run(path, ['--version'], { deadlineMs: versionDeadlineMs, visible: false })
  return ok ? output.trim() : undefined
}
