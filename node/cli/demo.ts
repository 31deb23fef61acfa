/**
 * `npm run demo`: reads the command, starts the demo in this process, runs what was asked for, stops everything whatever
 * happened, and sets the exit status. The parts are in the demo files beside it.
 */
import { existsSync } from 'node:fs'
import process from 'node:process'
import { messageOf } from '../../src/core/values/reason.ts'
import { processOutput, steady } from '../command/text-output.ts'
import type { Connection } from '../index.ts'
import { type DemoCommand, demoUsage, readCommand, UsageError } from './demo-command.ts'
import { expectThat, Facts } from './demo-facts.ts'
import { comeAndGo } from './demo-guest.ts'
import type { DemoNodePeer } from './demo-node-peer.ts'
import { listenForEnds, Shutdown } from './demo-shutdown.ts'
import { type Demo, startDemo } from './demo-start.ts'

type Task = Exclude<DemoCommand, { kind: 'help' }>

/** The check takes two minutes, and several times that on a busy machine. Whatever takes longer hangs. */
const checkDeadlineMs = 900_000
const pictureDeadlineMs = 300_000
/** The terminal prints within this time that a page got or lost its relay reservation. */
const reservationsLookMs = 2_000

/** Texts of unknown peers are in what is written. */
const output = steady(processOutput())

function write(line: string): void {
  output.write(`${line}\n`)
}

function complain(line: string): void {
  output.complain(`${line}\n`)
}

/** Resolves with the exit status once everything has stopped. Never rejects. */
async function main(args: readonly string[]): Promise<number> {
  let command: DemoCommand
  try {
    command = readCommand(args)
  } catch (error) {
    complain(error instanceof UsageError ? `${error.message}\n\n${demoUsage}` : String(error))
    return 2
  }
  if (command.kind === 'help') {
    write(demoUsage)
    return 0
  }
  const shutdown = new Shutdown()
  listenForEnds(shutdown)
  const status = await run(command, shutdown)
  const problems = await shutdown.stopAll()
  for (const problem of problems) complain(problem)
  if (problems.length === 0 && command.kind === 'run' && status === 0) write('Stopped; nothing is left.')
  return problems.length > 0 && status === 0 ? 1 : status
}

/** The task, or the end that was asked for meanwhile, whichever comes first. Never rejects. */
async function run(task: Task, shutdown: Shutdown): Promise<number> {
  const interrupted = shutdown.requested.then(({ status, message }) => {
    if (message !== undefined) complain(message)
    return status
  })
  const working = perform(task, shutdown).catch((error: unknown) => {
    if (!shutdown.signal.aborted) complain(messageOf(error))
    return 1
  })
  return Promise.race([working, interrupted])
}

function perform(task: Task, shutdown: Shutdown): Promise<number> {
  switch (task.kind) {
    case 'run':
      return serve(task, shutdown)
    case 'check':
      return check(task, shutdown)
    case 'screenshot':
      return takePictures(task, shutdown)
  }
}

/** Until a person stops it. From the moment the URL is there, that is its good end: Ctrl-C is how people close it. */
async function serve({ port, host }: Extract<Task, { kind: 'run' }>, shutdown: Shutdown): Promise<number> {
  write('Starting the Node peers and building the page …')
  const { demoLog } = await import('./demo-log.ts')
  let demo: Demo | undefined
  const log = demoLog({ write, isNodePeer: (peerId) => demo?.network.isNodePeer(peerId) ?? true })
  demo = await startDemo({
    port,
    host,
    shutdown,
    onStart: (peer) => log.follow(peer),
    onWarning: (peer, text) => log.note(peer, text),
    onBroken: (peer, text) => log.note(peer, text),
    onMessage: (to, from, text) => {
      if (demo?.network.isNodePeer(from.peerId) === false) log.message(to, from.peerId, text)
    }
  })
  write(`\nThe page: ${demo.url}`)
  if (demo.address !== undefined) {
    const { renderUnicodeCompact } = await import('uqr')
    write(`For a phone in the same network: ${demo.address}\n\n${renderUnicodeCompact(demo.address, { border: 2 })}\n`)
  }
  write('Open it in two browsers, or its “second peer in a new tab”: they meet over WebRTC. Any message to a Node peer is answered.')
  write(`The relay, as an operator sees it: npm run p2p-pool -- top --data ${demo.network.peers[0]?.folder}`)
  write('Ctrl-C stops everything.\n')
  shutdown.expectEnd()
  const { guest, peers } = demo.network
  const { breaks } = demo
  const looking = setInterval(() => {
    if (peers[0] !== undefined) log.reservations(peers[0])
  }, reservationsLookMs)
  shutdown.signal.addEventListener('abort', () => clearInterval(looking))
  const visits = comeAndGo(guest, shutdown.signal, {
    mayCome: () => !breaks.isAllStopped,
    came: () => log.note(guest, 'came; it goes again in a while'),
    went: () => log.note(guest, 'went; it comes back in a while'),
    failed: (error) => log.note(guest, `could not come: ${messageOf(error)}`)
  })
  // It is stopped with the network; this is only so that nothing of it is left over.
  await shutdown.own('The visits of the guest', { start: async () => visits, stop: async () => visits })
  return (await shutdown.requested).status
}

async function check({ port, browser }: Extract<Task, { kind: 'check' }>, shutdown: Shutdown): Promise<number> {
  const [{ Mailbox }, { runCheck }] = await Promise.all([import('./demo-check-context.ts'), import('./demo-check.ts')])
  const facts = new Facts({ write, isOver: () => shutdown.isRequested })
  endAfter(checkDeadlineMs, shutdown)
  const mailbox = new Mailbox()
  const onMessage = (to: DemoNodePeer, from: Connection, text: string): void => mailbox.add(to, from.peerId, text)
  let demo: Demo | undefined
  await facts.holds('the Node peers run and the page can be used', async () => {
    demo = await startDemo({ port, shutdown, onMessage })
    return demo.url
  })
  if (demo !== undefined) {
    await runCheck({ demo, browser, mailbox, facts, shutdown, log: complain })
    const { folder } = demo.network
    await facts.holds('everything stops and leaves no file', async () => {
      const problems = await shutdown.stopAll()
      if (existsSync(folder)) problems.push(`${folder} is still there`)
      expectThat(problems.length === 0, { expected: 'no trouble', seen: problems })
      return undefined
    })
  }
  if (shutdown.isRequested) return 1
  const { held, failed } = facts
  write(failed === 0 ? `All ${held} facts hold.` : `${failed} of ${held + failed} facts do not hold.`)
  return failed === 0 ? 0 : 1
}

async function takePictures({ port, path }: Extract<Task, { kind: 'screenshot' }>, shutdown: Shutdown): Promise<number> {
  endAfter(pictureDeadlineMs, shutdown)
  const demo = await startDemo({ port, shutdown })
  const { takeScreenshots } = await import('./demo-screenshot.ts')
  for (const file of await takeScreenshots({ demo, shutdown, path, log: complain })) write(file)
  return 0
}

function endAfter(deadlineMs: number, shutdown: Shutdown): void {
  setTimeout(
    () => shutdown.request({ status: 1, message: `it took longer than ${deadlineMs / 1_000} s, so it is stopped` }),
    deadlineMs
  ).unref()
}

const status = await main(process.argv.slice(2))
// What was written must be out; and a handle that some library forgot must not keep the process.
process.stdout.write('', () => process.exit(status))
