/**
 * The data folder of a peer: identity, peers, the control socket, and who holds it. One peer at a time: a second one gets the
 * process id of the first. Used by `running-peer.ts`; the other verbs find the socket with `socketPathOf`. Both refuse a folder to which others
 * may write.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { StorageError } from '../../src/core/values/ports.ts'
import { lockFile } from '../file-lock.ts'
import { readSmallFile } from '../regular-file.ts'
import { storageErrorOf } from '../system-error.ts'
import { trustedPath } from '../trusted-files.ts'
import { CommandError } from './command-error.ts'

export interface DataFolder {
  readonly path: string
  readonly peersFile: string
  readonly identityFile: string
  readonly socketPath: string
  readonly tokenFile: string
  /** False once another peer took the folder, while this process stood still: pid file and socket are that peer's then. Never rejects. */
  isOurs(): Promise<boolean>
  /** Resolves once the folder is lost, about a second later. */
  readonly lost: Promise<void>
  /** Never rejects. */
  release(): Promise<void>
}

/** The environment says where, or it is in the home folder, as for other servers. An empty value is none, as in a shell. */
export function defaultDataFolder({ P2P_POOL_DATA: named }: NodeJS.ProcessEnv = process.env): string {
  return named === undefined || named === '' ? join(homedir(), '.p2p-pool') : named
}

/** A Unix socket's path has 107 bytes at most on Linux, 103 on macOS. */
const maxSocketPath = 103

/**
 * Where the peer of that folder listens. The shorter one of the absolute path and that from the working folder; throws `CommandError` `usage`
 * if both are longer than the system takes. On Windows a pipe, whose name is made of the path.
 */
export function socketPathOf(folder: string): string {
  const absolute = resolve(folder)
  if (process.platform === 'win32')
    return `\\\\.\\pipe\\p2p-pool-${createHash('sha256').update(absolute.toLowerCase()).digest('hex').slice(0, 32)}`
  const path = join(absolute, 'control.sock')
  const shorter = [path, relative(process.cwd(), path)].find((one) => Buffer.byteLength(one) <= maxSocketPath)
  if (shorter !== undefined) return shorter
  throw new CommandError(
    'usage',
    `--data: expected a folder whose socket has a path of at most ${maxSocketPath} bytes, got ${path}; use a shorter one`
  )
}

/** Where a peer that listens for control over TCP keeps what programs have to show there. */
export function tokenFileOf(folder: string): string {
  return join(resolve(folder), 'control.token')
}

/**
 * Another user who may write to these could put a socket or a file there, and get what is meant for the peer. Throws `CommandError`
 * `failed`, or the system's error. Windows shows no owners.
 */
export async function mustBeOurs(...paths: readonly string[]): Promise<void> {
  const own = process.geteuid?.()
  if (own === undefined) return
  for (const path of paths) {
    for (const { uid, mode } of [await lstat(path), await stat(path)]) {
      if (uid !== own && uid !== 0)
        throw new CommandError(
          'failed',
          `${path} belongs to user ${uid}, expected user ${own}, who runs this, or root: run this as that user`
        )
      if ((mode & 0o022) !== 0 && (mode & constants.S_IFMT) !== constants.S_IFLNK)
        throw new CommandError('failed', `others may write to ${path} (mode ${(mode & 0o777).toString(8)}); run: chmod go-w '${path}'`)
    }
  }
}

const maxHoldMs = 15_000

/**
 * Makes the folder if it is missing, for the owner alone, and holds it. Rejects with `CommandError` `held` naming the process that holds it, `failed` if others
 * may write to it, or with `StorageError`. After a crash it waits about five seconds for the lock of the dead process.
 */
export async function holdDataFolder(folder: string): Promise<DataFolder> {
  const path = resolve(folder)
  const pidFile = join(path, 'node.pid')
  const socketPath = socketPathOf(path)
  try {
    const lockPath = await trustedPath(join(path, 'node'))
    await mustBeOurs(path)
    const lock = await lockFile(lockPath, AbortSignal.timeout(maxHoldMs))
    const own = `${process.pid}\n`
    // The pid alone would not do: in two containers both peers may be process 1.
    const isOurs = async (): Promise<boolean> => (await lock.isOurs()) && (await readHolder(pidFile)) === own
    const release = async (): Promise<void> => {
      if (await isOurs()) await rm(pidFile, { force: true }).catch(() => undefined)
      await lock.release()
    }
    try {
      await rm(pidFile, { force: true })
      await writeFile(pidFile, own, { mode: 0o600, flag: 'wx' })
    } catch (error) {
      await release()
      throw error
    }
    const files = { peersFile: join(path, 'peers.json'), identityFile: join(path, 'identity') }
    return { path, ...files, socketPath, tokenFile: tokenFileOf(path), isOurs, lost: lock.lost, release }
  } catch (error) {
    if (error instanceof CommandError) throw error
    if (error instanceof StorageError && error.failure === 'locked') throw new CommandError('held', await heldText(path, pidFile), error)
    throw storageErrorOf(error, `cannot use the data folder ${path}`)
  }
}

async function heldText(path: string, pidFile: string): Promise<string> {
  const text = await readHolder(pidFile)
  const holder = /^\d{1,10}\n$/.test(text) ? `process ${text.trim()}` : 'another process'
  return `${path} is held by ${holder}: stop that peer, or name another folder with --data`
}

/** What the holder wrote: its process id. Empty if it cannot be read. */
function readHolder(pidFile: string): Promise<string> {
  return readSmallFile(pidFile, { maxBytes: 128 }).then(
    ({ text }) => text,
    () => ''
  )
}
