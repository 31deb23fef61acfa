/**
 * Invitations in a pool that tabs share: any tab may invite and join, and the tab that owns the pool does the work. A person may take minutes to
 * carry an answer, and a request between tabs takes 30 s at most, so each call is a job that the asking tab looks after: it asks again and again
 * how the job stands. Loaded with the first call. Arguments come from another page: the pool checks them as it checks a program's.
 *
 * It imports nothing: bundlers would cut the code that is loaded at once in pieces.
 */
import type { PeerPool } from '../src/core/peer-pool.ts'
import type { PeerId } from '../src/core/values/ids.ts'
import type { Invitation, InviteOptions, JoinOptions } from '../src/core/values/invitation.ts'
import type { PoolError } from '../src/core/values/reason.ts'

type AnyPool = PeerPool<unknown, unknown, unknown>
type Failure = typeof PoolError

/** Jobs that the owner has at once. */
const maxJobs = 64
/** The owner answers within this time whether the job is done or not, ms. */
const answerMs = 15_000
/** A tab that has not asked for so long is gone, ms. */
const forgottenMs = 45_000

/** What a tab asks of a job. */
interface JobRequest {
  readonly job: string
  readonly ask: 'start' | 'wait' | 'cancel'
  readonly verb?: 'invite' | 'accept' | 'left' | 'end' | 'join' | undefined
  /** Of the invitation, or the options of `invite`. */
  readonly about?: unknown
  readonly answer?: unknown
}

/** How a job stands. */
interface JobState {
  readonly isDone: boolean
  readonly value?: unknown
  /** Of a join, once it is made. */
  readonly answer?: string | undefined
}

/** Brings a request to the owner. */
interface Session {
  request(name: 'invite', args: readonly unknown[], signal?: AbortSignal): Promise<unknown>
}

// The tab that asks.

/** An invitation of the pool that the tabs share. */
class TabInvitation implements Invitation {
  readonly text: string
  readonly expiresAt: number
  readonly #session: Session
  #usesLeft: number

  constructor(session: Session, { text, expiresAt, usesLeft }: Pick<Invitation, 'text' | 'expiresAt' | 'usesLeft'>) {
    this.text = text
    this.expiresAt = expiresAt
    this.#session = session
    this.#usesLeft = usesLeft
  }

  get usesLeft(): number {
    return Date.now() < this.expiresAt ? this.#usesLeft : 0
  }

  async accept(answer: string, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<PeerId> {
    try {
      const { peerId, usesLeft } = (await carry(this.#session, { verb: 'accept', about: this.text, answer }, { signal })) as {
        peerId: PeerId
        usesLeft: number
      }
      this.#usesLeft = usesLeft
      return peerId
    } catch (error) {
      // An answer that fails may end the invitation.
      if (signal?.aborted !== true) this.#usesLeft = await this.#askUsesLeft()
      throw error
    }
  }

  async #askUsesLeft(): Promise<number> {
    return carry(this.#session, { verb: 'left', about: this.text }, {}).then(Number, () => this.#usesLeft)
  }

  end(): void {
    this.#usesLeft = 0
    carry(this.#session, { verb: 'end', about: this.text }, {}).catch(() => undefined) // it ends with the owner, too
  }
}

export async function invite(session: Session, { signal, ...options }: InviteOptions = {}): Promise<Invitation> {
  const made = await carry(session, { verb: 'invite', about: options }, { signal })
  const invitation = new TabInvitation(session, made as Invitation)
  signal?.addEventListener('abort', () => invitation.end(), { once: true })
  return invitation
}

export async function join(session: Session, text: string, options: JoinOptions = {}): Promise<PeerId> {
  return (await carry(session, { verb: 'join', about: text, answer: options.onAnswer !== undefined }, options)) as PeerId
}

/** Has the owner do a job, and waits until that is done. */
async function carry(
  session: Session,
  what: Pick<JobRequest, 'verb' | 'about' | 'answer'>,
  { signal, onAnswer }: Pick<JoinOptions, 'signal' | 'onAnswer'>
): Promise<unknown> {
  // Pages over http have no `randomUUID`.
  const job = crypto.getRandomValues(new Uint32Array(4)).join('-')
  const ask = (more: Omit<JobRequest, 'job'>): Promise<JobState> =>
    session.request('invite', [{ job, ...more }], signal ?? undefined) as Promise<JobState>
  let hasAnswered = false
  try {
    let state = await ask({ ask: 'start', ...what })
    while (!state.isDone) {
      if (state.answer !== undefined && !hasAnswered) {
        hasAnswered = true
        onAnswer?.(state.answer)
      }
      state = await ask({ ask: 'wait' })
    }
    return state.value
  } catch (error) {
    session.request('invite', [{ job, ask: 'cancel' }]).catch(() => undefined) // the owner forgets it by itself, too
    throw error
  }
}

// The tab that owns the pool.

interface Job {
  readonly done: Promise<unknown>
  readonly answered: Promise<void>
  readonly over: AbortController
  answer: string | undefined
  /** The tab knows the answer. */
  isShown: boolean
  timer: ReturnType<typeof setTimeout> | undefined
}

/** Of each pool: what runs, and its open invitations by their texts. */
const desks = new WeakMap<AnyPool, { readonly jobs: Map<string, Job>; readonly open: Map<string, Invitation> }>()

/** Carries a request of a tab out. Rejects as the pool does, and with `PoolError` `no-owner` for a job that this tab does not know. */
export async function runJob(pool: AnyPool, [given]: readonly unknown[], Failure: Failure): Promise<JobState> {
  const { job: id, ask, verb, about, answer } = Object(given) as JobRequest
  const desk = desks.get(pool) ?? { jobs: new Map<string, Job>(), open: new Map<string, Invitation>() }
  desks.set(pool, desk)
  const { jobs, open } = desk
  const end = (): void => {
    clearTimeout(jobs.get(id)?.timer)
    jobs.get(id)?.over.abort(new Failure('no-owner', 'nobody waits for it any more'))
    jobs.delete(id)
  }
  if (ask === 'cancel') {
    end()
    return { isDone: true }
  }
  if (ask === 'start') {
    if (jobs.size >= maxJobs) throw new Failure('too-many-waiting', `${verb}: ${maxJobs} calls about invitations wait already`)
    jobs.set(id, begin(pool, open, { verb, about, answer, Failure }))
  }
  const job = jobs.get(id)
  if (job === undefined) throw new Failure('no-owner', 'the tab that owned the pool is gone, and with it the invitation')
  clearTimeout(job.timer)
  const { promise: pause, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, answerMs)
  try {
    const state = await Promise.race([
      job.done.then((value): JobState => ({ isDone: true, value })),
      ...(job.isShown ? [] : [job.answered.then((): JobState => ({ isDone: false, answer: job.answer }))]),
      pause.then((): JobState => ({ isDone: false }))
    ])
    if (state.answer !== undefined) job.isShown = true
    if (state.isDone) end()
    else job.timer = setTimeout(end, forgottenMs)
    return state
  } catch (error) {
    end()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function begin(
  pool: AnyPool,
  open: Map<string, Invitation>,
  { verb, about, answer, Failure }: Pick<JobRequest, 'verb' | 'about' | 'answer'> & { readonly Failure: Failure }
): Job {
  const over = new AbortController()
  const { promise: answered, resolve } = Promise.withResolvers<void>()
  const { signal } = over
  const work = async (): Promise<unknown> => {
    if (verb === 'invite') {
      const invitation = await pool.invite(about as InviteOptions)
      for (const [text, { usesLeft }] of open) if (usesLeft === 0) open.delete(text)
      open.set(invitation.text, invitation)
      return { text: invitation.text, expiresAt: invitation.expiresAt, usesLeft: invitation.usesLeft }
    }
    if (verb === 'join') {
      const onAnswer = (made: string): void => {
        job.answer = made
        resolve()
      }
      return pool.join(about as string, { signal, onAnswer: answer === true ? onAnswer : undefined })
    }
    const invitation = open.get(String(about))
    if (verb === 'end') return invitation?.end()
    if (verb === 'left') return invitation?.usesLeft ?? 0
    if (verb !== 'accept') throw new Failure('not-understood', 'unknown request about invitations')
    if (invitation === undefined) throw new Failure('invalid-invitation', 'the invitation has ended with the tab that made it')
    return { peerId: await invitation.accept(answer as string, { signal }), usesLeft: invitation.usesLeft }
  }
  const job: Job = { done: work(), answered, over, answer: undefined, isShown: false, timer: undefined }
  job.done.catch(() => undefined) // reported to the tab that waits for it
  return job
}
