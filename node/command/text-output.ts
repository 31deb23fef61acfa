/**
 * Text for a terminal or a pipe: tables, times, sizes, colours. Texts of other peers are in it (why a peer ended a connection, names of
 * hosts), so whatever could steer a terminal is made visible.
 */
import { styleText } from 'node:util'
import Table from 'cli-table3'
import { escapeUnprintable } from '../../src/core/values/unprintable.ts'

/** Where a command writes, and how. `process.stdout` and `process.stderr`, or a test's own. */
export interface Output {
  /** Writes to standard output. */
  write(text: string): void
  /** Writes to standard error. */
  complain(text: string): void
  /** A terminal that shows colours, and nobody set NO_COLOR. */
  readonly hasColors: boolean
}

export function processOutput(): Output {
  const { stdout, stderr } = process
  return {
    write: (text) => void stdout.write(text),
    complain: (text) => void stderr.write(text),
    hasColors: stdout.isTTY === true && stdout.hasColors()
  }
}

/** One line that steers no terminal. */
export const safe = escapeUnprintable

/** A value as JSON whose text steers no terminal either; `null` for what JSON does not know. */
export function safeJson(value: unknown, indent?: number): string {
  return lines(JSON.stringify(value, undefined, indent) ?? 'null')
}

/** As `safe`, but its ends of lines stay. */
function lines(text: string): string {
  return text.split('\n').map(safe).join('\n')
}

/** What `styleText` makes of bold text. */
const bold = '\u001b[1m'
const boldEnd = '\u001b[22m'

/**
 * The one way to a terminal or pipe: what could steer it is made visible, no matter who wrote it. Ends of lines stay, and bold type where there
 * are colours; text from outside that must be one line goes through `safe` before.
 */
export function steady(out: Output): Output {
  const styled = (text: string): string =>
    text
      .split(bold)
      .map((part) => part.split(boldEnd).map(lines).join(boldEnd))
      .join(bold)
  return {
    write: (text) => out.write(out.hasColors ? styled(text) : lines(text)),
    complain: (text) => out.complain(lines(text)),
    hasColors: out.hasColors
  }
}

/** A message of several lines: a peer that wrote part of it cannot make one that looks like ours. */
export function indented(text: string): string {
  return text.trimEnd().replaceAll('\n', '\n  ')
}

/** Columns side by side, headed, without borders. Columns whose head ends in `>` are to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], { hasColors }: Pick<Output, 'hasColors'>): string {
  const none = Object.fromEntries(
    [
      'top',
      'top-mid',
      'top-left',
      'top-right',
      'bottom',
      'bottom-mid',
      'bottom-left',
      'bottom-right',
      'left',
      'left-mid',
      'mid',
      'mid-mid',
      'right',
      'right-mid'
    ].map((place) => [place, ''])
  )
  const made = new Table({
    head: head.map((title) => {
      const shown = title.replace('>', '').toUpperCase()
      return hasColors ? styleText('bold', shown) : shown
    }),
    colAligns: head.map((title) => (title.endsWith('>') ? 'right' : 'left')),
    chars: { ...none, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] }
  })
  for (const row of rows) made.push(row.map(safe))
  return `${made.toString().replace(/ +$/gm, '')}\n`
}

/** `name  value` lines. Names of no text are left out. */
export function facts(pairs: readonly (readonly [string, string | undefined])[], { hasColors }: Pick<Output, 'hasColors'>): string {
  const kept = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined)
  const width = Math.max(...kept.map(([name]) => name.length))
  return kept
    .map(([name, value]) => {
      const padded = name.padEnd(width)
      const [first = '', ...rest] = value.split('\n').map(safe)
      const lines = [`${hasColors ? styleText('bold', padded) : padded}  ${first}`, ...rest.map((line) => `${' '.repeat(width)}  ${line}`)]
      return `${lines.join('\n')}\n`
    })
    .join('')
}

/** `12 s`, `5 min`, `3 h`, `2 d`. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000))
  if (s < 120) return `${s} s`
  if (s < 7_200) return `${Math.round(s / 60)} min`
  return s < 172_800 ? `${Math.round(s / 3_600)} h` : `${Math.round(s / 86_400)} d`
}

/** How long ago; nothing for never. */
export function since(at: number | null): string {
  return at === null ? '' : duration(Date.now() - at)
}

/** `812 B`, `1.2 kB`, `34 MB`. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let amount = count
  let unit = 0
  while (amount >= 1_000 && unit < units.length - 1) {
    amount /= 1_000
    unit++
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[unit]}`
}

export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
