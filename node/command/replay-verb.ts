/** The verbs about recordings: `save-recording` gets one of a running peer, `replay` runs one again. */
import { createHash } from 'node:crypto'
import { lstat, rm } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import type { Command } from 'commander'
import { messageOf, PoolError } from '../../src/core/values/reason.ts'
import type { PoolSnapshot } from '../../src/core/values/snapshot.ts'
import { maxLine, type ReadRecording, readRecording } from '../../src/recording/read-recording.ts'
import { type ReplayedEvent, type ReplayResult, replay } from '../../src/recording/replay.ts'
import { renameFile, syncFolderOf, writeTemporary } from '../durable-file.ts'
import { withRegularFile } from '../regular-file.ts'
import { codeOf } from '../system-error.ts'
import { trustedPath } from '../trusted-files.ts'
import { CommandError } from './command-error.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { eventLine } from './listings.ts'
import { safe } from './text-output.ts'
import { type Ends, jsonOf, type Session, type Surroundings, type Verbs } from './verb-command.ts'

/** A peer keeps 16 MiB unless a program says more. */
const maxFileBytes = 256 * 1_048_576
/** Unpacked. */
const maxTextBytes = 2_000_000_000

/** Declares `save-recording`. */
export function addRecordingVerb({ add, asking }: Verbs): void {
  add('save-recording <file>', 'write what happened since the peer was started with --record to a file; see replay').action(
    asking(async ({ client, say }: Session, file: string) => {
      const answer = await client.ask('recording')
      if (typeof answer !== 'string') throw new CommandError('invalid-answer', 'recording: expected a text')
      const bytes = Buffer.from(answer, 'base64')
      await writeWhole(file, bytes)
      say(
        { file, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
        () => `${safe(file)}: ${bytes.length} bytes\n`
      )
    })
  )
}

/**
 * A file that is there is replaced at once; a pipe, a device or a folder is left alone. For its owner alone: it has addresses of peers.
 * Links and owners: as for the peers file.
 */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const target = await trustedPath(path)
    const refuseOther = async (): Promise<void> => {
      if (!(await isFileOrNothing(target))) throw new Error('there is something else than a file')
    }
    await refuseOther()
    const temporary = await writeTemporary(target, [bytes])
    try {
      await renameFile(temporary, target, refuseOther)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
    await syncFolderOf(target)
  } catch (error) {
    throw new CommandError('failed', `${path} was not written: ${messageOf(error)}`, error)
  }
}

async function isFileOrNothing(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true
    throw error
  }
}

interface ReplayFlags {
  readonly quiet?: boolean
  readonly json?: boolean
}

/** Declares `replay`, which asks no peer. */
export function addReplayVerb(program: Command, { out }: Surroundings, ends: Ends): void {
  program
    .command('replay <file>')
    .description('run a recording again: its events, what the pool was like at the end, and whether that is as recorded')
    .option('-q, --quiet', 'without the events')
    .option('--json', 'in JSON: an object for each event, then one with the result and the whole snapshot')
    .action(async (file: string, { quiet = false, json = false }: ReplayFlags) => {
      const show = (event: ReplayedEvent): void => {
        if (!quiet) out.write(json ? `${jsonOf({ event })}\n` : eventLine(event))
      }
      const { header, turns } = await recordingIn(file)
      const result = await replay(header, turns, { settled, onEvent: show })
      const isSame = result.divergence === undefined && result.recordedHash !== undefined
      const { hash, recordedHash, divergence, snapshot, endedAt } = result
      const about = {
        hash,
        recordedHash,
        isSame,
        turns: result.turns,
        peerId: header.peerId,
        since: header.since,
        endedAt,
        divergence,
        snapshot
      }
      out.write(json ? `${jsonOf(about)}\n` : resultText(header, result))
      ends(isSame ? exitStatus.done : (exitStatus.failed satisfies ExitStatus))
    })
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Throws `CommandError` `usage` for what is no recording. */
async function recordingIn(path: string): Promise<ReadRecording> {
  const bytes = await withRegularFile(path, async (file, { size }) => {
    if (size > maxFileBytes) throw new CommandError('usage', `${path}: expected a recording of at most ${maxFileBytes} bytes, got ${size}`)
    return file.readFile()
  })
  try {
    // Two bytes begin what is compressed. A page whose browser cannot do that gives plain text.
    const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
    return await readRecording(linesOf(isPacked ? createGunzip().end(bytes) : [bytes]))
  } catch (error) {
    throw new CommandError('usage', `${path}: ${messageOf(error)}`, error)
  }
}

/** Unpacks no more than the line that is asked for. Rejects with `PoolError` `invalid-argument`. */
async function* linesOf(pieces: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<string, void> {
  let parts: Buffer[] = []
  let held = 0
  let all = 0
  const line = (): string => {
    const text = Buffer.concat(parts).toString('utf8')
    parts = []
    held = 0
    return text
  }
  const add = (part: Buffer): void => {
    parts.push(part)
    held += part.length
    if (held > maxLine) throw new PoolError('invalid-argument', `expected lines of at most ${maxLine} bytes`)
  }
  try {
    for await (const piece of pieces) {
      all += piece.length
      if (all > maxTextBytes) throw new PoolError('invalid-argument', `expected at most ${maxTextBytes} bytes, unpacked`)
      let start = 0
      for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, start)) {
        add(piece.subarray(start, end))
        start = end + 1
        yield line()
      }
      if (start < piece.length) add(piece.subarray(start))
    }
  } catch (error) {
    throw error instanceof PoolError ? error : new PoolError('invalid-argument', messageOf(error))
  }
  if (held > 0) yield line()
}

const instant = (at: number): string => (Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at))

function resultText({ peerId, since }: ReadRecording['header'], result: ReplayResult): string {
  const { hash, recordedHash, divergence, snapshot, endedAt, turns } = result
  const lines = [`${safe(peerId)}, ${instant(since)} to ${instant(endedAt)}, ${turns} turns`]
  if (snapshot !== undefined) lines.push(stateText(snapshot))
  lines.push(`hash ${hash ?? 'none: the pool had not started'}`)
  if (divergence !== undefined) {
    const { lastEvent } = divergence
    lines.push(
      `not as recorded from ${instant(divergence.at)} on, in line ${divergence.turn + 1}: ${safe(divergence.text)}`,
      ...(lastEvent === undefined ? [] : [`the last event before: ${eventLine(lastEvent).trimEnd()}`])
    )
  } else lines.push(recordedHash === undefined ? 'the recording has no hash to compare with' : 'same as recorded')
  return `${lines.join('\n')}\n`
}

function stateText({ status, active, band, points, peers, blocks, storage }: PoolSnapshot): string {
  const { min, expected, max } = band
  return (
    `${status}: ${active} connections (band ${min}/${expected}/${max}), ${points.length} points and ${peers.length} peers known, ` +
    `${blocks.length} blocked, storage ${storage.mode}`
  )
}
