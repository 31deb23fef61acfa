/**
 * Reads `deploy/Dockerfile`, and runs its steps in a folder instead of an image: no container engine is needed. Absolute paths lead into that
 * folder. What a container adds is not there: the base image, the user, the volume, the network. Used by consumer.test.ts and image.ts.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const checkout = fileURLToPath(new URL('../..', import.meta.url))

export interface Instruction {
  readonly name: string
  readonly value: string
}

/** One list of instructions for each stage. */
export async function readStages(): Promise<readonly (readonly Instruction[])[]> {
  const text = (await readFile(join(checkout, 'deploy/Dockerfile'), 'utf8')).replace(/^#.*\n/gm, '').replace(/\\\n/g, '')
  const instructions = text.split('\n').flatMap((line) => {
    const [, name, value] = /^([A-Z]+) +(.*)$/.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [{ name, value: value.replace(/ +/g, ' ') }]
  })
  const stages: Instruction[][] = []
  for (const instruction of instructions) {
    if (instruction.name === 'FROM') stages.push([])
    stages.at(-1)?.push(instruction)
  }
  return stages
}

/** The last stage, which is the image. */
export class Image {
  readonly #root: string
  readonly #instructions: readonly Instruction[]

  constructor(root: string, instructions: readonly Instruction[]) {
    this.#root = root
    this.#instructions = instructions
  }

  /** Of the instruction, or of all of that name. */
  valuesOf(name: string): readonly string[] {
    return this.#instructions.filter((one) => one.name === name).map(({ value }) => value)
  }

  /** The commands of its RUN instructions, for a shell in the folder. */
  get steps(): readonly string[] {
    return this.valuesOf('RUN').map((line) => inFolder(line, this.#root))
  }

  /** What the ENV instructions say. */
  get environment(): Record<string, string> {
    return Object.fromEntries(
      this.valuesOf('ENV').map((line) =>
        line
          .split(/=(.*)/s)
          .slice(0, 2)
          .map((part) => inFolder(part, this.#root))
      )
    )
  }

  /** The words of CMD. */
  get words(): readonly string[] {
    return this.#list('CMD')
  }

  /** Starts ENTRYPOINT with words in place of CMD, as `docker run` does. */
  start(...words: readonly string[]): ChildProcess {
    const [command = '', ...args] = [...this.#list('ENTRYPOINT'), ...words]
    return spawn(command, args, { env: this.#env, cwd: this.#root, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** Runs HEALTHCHECK; its exit status and what it wrote. */
  async checkHealth(): Promise<{ readonly status: number; readonly text: string }> {
    const [, line = 'exit 70'] = /CMD (.*)$/.exec(this.valuesOf('HEALTHCHECK')[0] ?? '') ?? []
    const child = spawn('sh', ['-c', line], { env: this.#env, cwd: this.#root, stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    const [status] = (await once(child, 'close')) as [number]
    return { status, text }
  }

  get #env(): NodeJS.ProcessEnv {
    const { PATH = '', ...others } = this.environment
    const [first = '', ...system] = PATH.split(':')
    // This Node stands for that of the base image.
    return { ...others, PATH: [first, dirname(process.execPath), ...system].join(':') }
  }

  #list(name: string): readonly string[] {
    return JSON.parse(this.valuesOf(name)[0] ?? '[]')
  }
}

/** The paths that the Dockerfile uses. */
function inFolder(line: string, root: string): string {
  return line.replace(/(?<=^|[\s=:])\/(source|package|app|data)(?=[/\s:]|$)/g, `${root}/$1`)
}

/** Runs one line as RUN does. Rejects with all that it printed if it fails. */
export async function runStep(line: string, cwd: string): Promise<void> {
  await mkdir(cwd, { recursive: true })
  try {
    await promisify(execFile)('sh', ['-ec', line], { cwd, maxBuffer: 50_000_000 })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${line} failed:\n${stdout}${stderr}`, { cause: error })
  }
}
