/** The part of a document that a command writes: what stands between two markers. All around it is left as it is. */
import { readFile, writeFile } from 'node:fs/promises'

/** Two lines of the document. */
export interface Markers {
  readonly begin: string
  readonly end: string
}

/** Rejects if the document does not have both. */
export async function readBetween(file: string, markers: Markers): Promise<string> {
  const { text, from, to } = await find(file, markers)
  return text.slice(from, to)
}

/** Puts it in place of what stood there. Rejects if the document does not have both markers. */
export async function writeBetween(file: string, markers: Markers, written: string): Promise<void> {
  const { text, from, to } = await find(file, markers)
  await writeFile(file, `${text.slice(0, from)}\n\n${written}\n\n${text.slice(to)}`)
}

async function find(file: string, { begin, end }: Markers): Promise<{ text: string; from: number; to: number }> {
  const text = await readFile(file, 'utf8')
  const from = text.indexOf(begin) + begin.length
  const to = text.indexOf(end)
  if (from < begin.length || to < from) throw new Error(`${file} has no place for the table: ${begin} and ${end} were expected`)
  return { text, from, to }
}
