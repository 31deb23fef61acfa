/** What the system's errors mean for a storage. Called by all modules of `node` that touch files. */
import { StorageError, type StorageFailure } from '../src/core/values/ports.ts'
import { messageOf } from '../src/core/values/reason.ts'

const failures: Readonly<Record<string, StorageFailure>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full', // the process's own limit of file size
  EACCES: 'no-permission',
  EPERM: 'no-permission',
  EROFS: 'no-permission'
}

/** The system's code of an error (`ENOENT`), if it has one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** What the system said as a `StorageError`; one that is already such stays. `doing` names the act and the file. */
export function storageErrorOf(error: unknown, doing: string): StorageError {
  if (error instanceof StorageError) return error
  const detail = messageOf(error)
  return new StorageError(failures[codeOf(error) ?? ''] ?? 'unavailable', `${doing}: ${detail}`, error)
}
