/**
 * "Break it yourself": a button for each thing that can be broken, and beside it the two stopwatches, of this page's pool and of plain
 * libp2p. What a break does is in break-run.ts. Nothing ticks while nothing is broken.
 */

import { type BreakKind, BreakRun, cutMs, frozenMs } from './break-run.ts'
import { askMs, type Breaker } from './break-server.ts'
import { outcomeWords, stoppedWords, timeWords } from './break-words.ts'
import { byId, el, setAttribute, setText } from './dom.ts'
import type { Page, Part } from './page.ts'

/** What was killed needs so long to start, where nobody asks whether it is back. */
const startMs = 1_000
/** While a stopwatch runs. */
const tickMs = 100

interface Breakable {
  readonly kind: BreakKind
  readonly button: string
  readonly what: string
}

const breakables: readonly Breakable[] = [
  {
    kind: 'relay',
    button: 'Kill the relay',
    what: 'Its sockets end without a goodbye. It comes back after 4 s, as a server does that restarts.'
  },
  {
    kind: 'half',
    button: 'Kill half of the Node peers',
    what: 'They come back after 20 s. The first time, three newcomers join at the same moment, which nobody knows yet.'
  },
  {
    kind: 'cut',
    button: 'Cut this page’s network',
    what: `For ${cutMs / 1_000} s no byte gets through. Then no connection of before works, as on the way from Wi-Fi to mobile.`
  },
  {
    kind: 'freeze',
    button: 'Freeze this page',
    what: `For ${frozenMs / 1_000} s nothing runs in it, as in a page that hangs.`
  },
  {
    kind: 'liar',
    button: 'Send in a liar',
    what: 'This page gets the address of a peer that joins, advertises 30 addresses where nobody is, and after a second breaks the protocol.'
  }
]

export interface BreakItOptions {
  /** None: the demo's server breaks nothing. */
  readonly breaker: Promise<Breaker | undefined>
  /** A line for the log. */
  note(line: { readonly name: string; readonly text: string; readonly at: number }): void
}

export function breakItPart(page: Page, { breaker: finding, note }: BreakItOptions): Part {
  const section = byId('break-it', HTMLElement)
  const status = el('p', { class: 'small', role: 'status', 'data-testid': 'break-status' })
  const rows = new Map(breakables.map((breakable) => [breakable.kind, breakRow(breakable)]))
  let run: BreakRun | undefined
  let isRunning = false
  let breaker: Breaker | undefined
  /** When the server has mended what was broken; wall clock, ms. */
  const mendedAt = { kill: 0, liar: 0 }
  const placeOf = (kind: BreakKind): keyof typeof mendedAt => (kind === 'liar' ? 'liar' : 'kill')

  const availability = (): void => {
    // Else the next break would measure two.
    const isWhole = mendedAt.kill <= Date.now()
    const isFree = run === undefined || run.endedAt !== undefined || (run.startedAt !== undefined && run.pool?.kind !== 'runs')
    const isHere = page.pool.owned !== undefined && isRunning
    const stopped = stoppedWords(breaker?.servers)
    for (const [kind, { button, keep }] of rows) {
      const isLocal = kind === 'cut' || kind === 'freeze'
      // The server kills nothing while it has stopped something.
      const isKept = stopped !== '' && (kind === 'relay' || kind === 'half')
      keep(isKept ? stopped : '')
      const isAble = isLocal || (breaker !== undefined && !isKept && mendedAt[placeOf(kind)] <= Date.now())
      setAttribute(button, 'disabled', !(isFree && isWhole && isHere && isAble))
    }
    setText(
      status,
      page.pool.owned === undefined ? 'Another tab runs the pool: break it there.' : statusWords(run, mendedAt.kill) || stopped
    )
  }

  const perform = async (kind: BreakKind): Promise<void> => {
    run?.end()
    const row = rows.get(kind)
    const button = breakables.find((one) => one.kind === kind)?.button ?? kind
    if (row === undefined) return
    let ticking: ReturnType<typeof setInterval> | undefined
    const mine: BreakRun = new BreakRun({
      ...{ pool: page.pool, kind },
      async breakServer(what) {
        if (breaker === undefined) throw new Error('the demo’s server breaks nothing')
        const broken = await breaker.breakNow(what)
        mendedAt[placeOf(what)] = Date.now() + broken.mendsInMs + startMs
        return broken
      },
      async isBroken() {
        const isBroken = (await breaker?.broken())?.includes('kill') === true
        // Between two questions it is not whole either.
        mendedAt.kill = isBroken ? Math.max(mendedAt.kill, Date.now() + 5 * askMs) : Date.now()
        return isBroken
      },
      onBreak(at) {
        note({ name: 'break', text: `You broke it: ${button}.`, at })
        ticking = setInterval(() => row.show(mine), tickMs)
        update()
      },
      onChange: () => update()
    })
    const update = (): void => {
      row.show(mine)
      if (run === mine) availability()
    }
    run = mine
    update()
    try {
      await mine.perform()
    } catch (error) {
      page.notices.fail(`${button}: it could not be broken`, error)
    } finally {
      clearInterval(ticking)
      update()
    }
  }

  for (const [kind, { button }] of rows) button.addEventListener('click', () => void perform(kind))
  section.append(
    el('p', { class: 'hint' }, [
      'The stopwatch runs from the break until enough peers are connected again. Beside it, hit at the same moment: libp2p’s own keep-alive. ' +
        'It is a second libp2p node in this page, with connections to the same Node peers, each tagged to be kept alive, and libp2p’s default settings. ' +
        'It dials a lost peer up to six times, within 31 s.'
    ]),
    el(
      'ul',
      { class: 'breaks' },
      Array.from(rows.values(), ({ element }) => element)
    ),
    status
  )
  section.hidden = false
  void finding.then((found) => {
    breaker = found
    availability()
  })
  return {
    show({ snapshot }) {
      isRunning = snapshot.status === 'running'
      availability()
    }
  }
}

function statusWords(run: BreakRun | undefined, mendedAt: number): string {
  if (run !== undefined && run.startedAt === undefined && run.endedAt === undefined) return 'Plain libp2p connects with the same peers …'
  if (run !== undefined && run.pool?.kind === 'runs' && run.endedAt === undefined) return 'Broken; the stopwatch runs.'
  const waitMs = mendedAt - Date.now()
  return waitMs > 0 ? `The next break is possible in ${Math.ceil(waitMs / 1_000)} s, when what was killed is back.` : ''
}

interface BreakRow {
  readonly element: HTMLElement
  readonly button: HTMLButtonElement
  /** Why it cannot be broken now, in place of what it does; empty: it can. */
  keep(why: string): void
  show(run: BreakRun): void
}

function breakRow({ kind, button: label, what }: Breakable): BreakRow {
  const about = `break-about-${kind}`
  const button = el('button', { type: 'button', 'data-action': 'break', 'aria-describedby': about, disabled: true }, [label])
  const pool = stopwatchCell('break-pool', 'This pool')
  const plain = stopwatchCell('break-plain', 'libp2p’s keep-alive')
  const hint = el('p', { class: 'hint', id: about }, [what])
  const element = el('li', { class: 'break', 'data-testid': 'break-row', 'data-break': kind, 'data-phase': 'ready' }, [
    el('div', {}, [button, hint]),
    el('div', { class: 'stopwatches' }, [pool.element, plain.element])
  ])
  return {
    element,
    button,
    keep: (why) => setText(hint, why || what),
    show(run) {
      const { startedAt } = run
      const phase =
        run.endedAt !== undefined ? 'done' : startedAt === undefined ? 'preparing' : run.pool?.kind === 'runs' ? 'running' : 'back'
      setAttribute(element, 'data-phase', phase)
      setAttribute(element, 'data-started-at', startedAt === undefined ? undefined : new Date(startedAt).toISOString())
      pool.show(run, run.pool, run.enough)
      plain.show(run, run.plain, run.plainEnough)
    }
  }
}

function stopwatchCell(testId: string, name: string) {
  const time = el('dd', { class: 'time', 'data-testid': testId }, ['–'])
  const words = el('dd', { class: 'small quiet' })
  const element = el('dl', { class: 'stopwatch', 'data-outcome': 'none' }, [el('dt', { class: 'small quiet' }, [name]), time, words])
  return {
    element,
    show(run: BreakRun, seen: BreakRun['pool'], enough: number) {
      const { startedAt } = run
      // Without a start it could not be broken.
      const progress = run.endedAt !== undefined && startedAt === undefined ? undefined : seen
      const isGivenUp = run.endedAt !== undefined && progress?.kind === 'runs'
      const elapsedMs = (run.endedAt ?? Date.now()) - (startedAt ?? 0)
      const text = progress === undefined ? '–' : timeWords({ kind: run.kind, progress }, elapsedMs)
      setText(time, isGivenUp ? `over ${text}` : text)
      setText(words, progress === undefined ? '' : outcomeWords({ kind: run.kind, progress, enough, isPool: testId === 'break-pool' }))
      setAttribute(time, 'data-ms', progress === undefined || progress.kind === 'runs' ? undefined : String(progress.tookMs))
      setAttribute(element, 'data-outcome', isGivenUp ? 'given-up' : (progress?.kind ?? 'none'))
    }
  }
}
