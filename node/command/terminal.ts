/** A terminal for `p2p-pool top`: the whole screen, keys as they are pressed, and everything as it was afterwards. */
import { emitKeypressEvents } from 'node:readline'

export interface Terminal {
  readonly columns: number
  readonly rows: number
  /** Begins to hear keys, by names such as `q`, `up`, `ctrl-c`, and shows an empty screen. Returns what undoes it; idempotent. */
  enter(onKey: (key: string) => void): () => void
  /** Shows these lines from the top; whatever was there before is gone. */
  draw(lines: readonly string[]): void
}

const enterScreen = '\u001b[?1049h\u001b[?25l'
const leaveScreen = '\u001b[?25h\u001b[?1049l'
const home = '\u001b[H'
const restOfLine = '\u001b[K'
const restOfScreen = '\u001b[J'

interface Key {
  readonly name?: string
  readonly ctrl?: boolean
}

/** That of this process; `undefined` where input or output is none. */
export function processTerminal(): Terminal | undefined {
  const { stdin, stdout } = process
  if (!stdin.isTTY || !stdout.isTTY) return undefined
  return {
    get columns() {
      return stdout.columns
    },
    get rows() {
      return stdout.rows
    },
    enter(onKey) {
      const heard = (text: string | undefined, { name, ctrl }: Key): void => onKey(`${ctrl === true ? 'ctrl-' : ''}${name ?? text ?? ''}`)
      let left = false
      const leave = (): void => {
        if (left) return
        left = true
        process.off('exit', leave)
        stdin.off('keypress', heard).setRawMode(false).pause()
        stdout.write(leaveScreen)
      }
      // Whatever ends the process, the terminal is usable afterwards.
      process.on('exit', leave)
      emitKeypressEvents(stdin)
      stdin.setRawMode(true).on('keypress', heard).resume()
      stdout.write(enterScreen)
      return leave
    },
    draw(lines) {
      stdout.write(`${home}${lines.map((line) => `${line}${restOfLine}`).join('\r\n')}${restOfScreen}`)
    }
  }
}
