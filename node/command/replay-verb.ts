/** The verbs about recordings: `save-recording` gets one of a running peer, `replay` runs one again. */
import { createHash } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import type { Command } from 'commander'
import { messageOf } from '../../src/core/values/reason.ts'
import type { PoolSnapshot } from '../../src/core/values/snapshot.ts'
import { type ReadRecording, readRecording } from '../../src/recording/read-recording.ts'
import { type ReplayedEvent, type ReplayResult, replay } from '../../src/recording/replay.ts'
import { withRegularFile } from '../regular-file.ts'
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

/** A file that is there is replaced at once. For its owner alone: it has addresses of peers. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const beside = `${path}.${process.pid}.new`
  try {
    await writeFile(beside, bytes, { mode: 0o600, flag: 'wx' })
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw new CommandError('failed', `${path} was not written: ${messageOf(error)}`, error)
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
    return readRecording(linesOf(isPacked ? gunzipSync(bytes, { maxOutputLength: maxTextBytes }) : bytes))
  } catch (error) {
    throw new CommandError('usage', `${path}: ${messageOf(error)}`, error)
  }
}

function* linesOf(bytes: Buffer): Generator<string, void> {
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(10, start)
    const end = found < 0 ? bytes.length : found
    yield bytes.toString('utf8', start, end)
    start = end + 1
  }
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
