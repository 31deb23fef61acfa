/**
 * The other process of `json-file.test.ts`. Arguments: what to do, the path of the peers file, and for `step` the number
 * of the file system call to stop at and what happens there (`kill` or an error code), for `steps` how many calls fail in turn, each in a
 * save of its own, and with which code, for `busy` how many renames fail and with which code. Prints one JSON value per line.
 */
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname } from 'node:path'

const [job, path = '', step = '', effect = ''] = process.argv.slice(2)
const never = new AbortController().signal
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)

/** A text whose end says whether it is whole. */
function* numbered(n: number): Iterable<string> {
  yield `{"n":${n},"fill":[`
  for (let i = 0; i < 5_000; i++) yield `"${n}-${i}",`
  yield `0],"end":${n}}`
}

/** Counts the calls that a save makes, and lets one of them go wrong before it does anything. Returns what makes it count anew, to another one. */
function instrument(firstStopAt: number, meet: (call: string) => void): (stopAt: number) => void {
  let stopAt = firstStopAt
  let count = 0
  const step = (call: string) => {
    count += 1
    if (count === stopAt) meet(call)
    else if (stopAt === 0) say(call)
  }
  const { open, rename } = fs
  fs.open = async (...args) => {
    step('open')
    const handle = await open(...args)
    const { writeFile, sync, close } = handle
    handle.writeFile = async (...rest) => {
      step('write')
      return writeFile.apply(handle, rest)
    }
    handle.sync = async () => {
      step('sync')
      return sync.call(handle)
    }
    handle.close = async () => {
      // A close that fails has closed the file all the same.
      await close.call(handle)
      step('close')
    }
    return handle
  }
  fs.rename = async (...args) => {
    step('rename')
    return rename(...args)
  }
  syncBuiltinESMExports()
  return (next) => {
    stopAt = next
    count = 0
  }
}

const { jsonFileStorage } = await import('../../node/json-file.ts')
const storage = jsonFileStorage(path)
const { StorageError } = await import('../../src/core/values/ports.ts')
const told = (error: unknown) =>
  error instanceof StorageError ? { failure: error.failure, message: error.message } : { crash: String(error) }

if (job === 'loop') {
  await storage.open(never)
  say('open')
  for (let n = 1; ; n++) {
    await storage.save(numbered(n))
    say(n)
  }
} else if (job === 'hold') {
  await storage.open(never)
  say('open')
  setInterval(() => undefined, 1_000)
} else if (job === 'step') {
  await storage.open(never)
  instrument(Number(step), (call) => {
    if (effect === 'kill') process.kill(process.pid, 'SIGKILL')
    throw Object.assign(new Error(`${effect}: injected at ${call}`), { code: effect })
  })
  say(await storage.save(numbered(2)).then(() => 'saved', told))
  await storage.close()
} else if (job === 'steps') {
  const noStep = Number.POSITIVE_INFINITY
  const stopAt = instrument(noStep, (call) => {
    throw Object.assign(new Error(`${effect}: injected at ${call}`), { code: effect })
  })
  for (let n = 1; n <= Number(step); n++) {
    await storage.open(never)
    stopAt(n)
    const outcome = await storage.save(numbered(2)).then(() => 'saved', told)
    stopAt(noStep)
    await storage.close()
    const { end } = JSON.parse(await fs.readFile(path, 'utf8')) as { end: number }
    say({ outcome, end, files: await fs.readdir(dirname(path)) })
  }
} else if (job === 'busy') {
  await storage.open(never)
  let left = Number(step)
  const { rename } = fs
  fs.rename = async (...args) => {
    if (left-- > 0) throw Object.assign(new Error(`${effect}: another program has the file`), { code: effect })
    return rename(...args)
  }
  syncBuiltinESMExports()
  const job = { save: () => storage.save(numbered(2)), quarantine: () => storage.quarantine() }
  say(await job.save().then(() => 'saved', told))
  left = Number(step)
  say(await job.quarantine().then(() => 'quarantined', told))
  await storage.close()
} else if (job === 'save') {
  // The lock's package ends a process that gets this signal and does not listen to it; Node alone ignores it.
  process.on('SIGXFSZ', () => undefined)
  say(
    await storage
      .open(never)
      .then(() => storage.save(numbered(2)))
      .then(() => 'saved', told)
  )
  await storage.close()
} else if (job === 'stall') {
  // Stands still until the test, which reads the line, has taken the lock.
  await storage.open(never)
  say('open')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(step))
  say(await storage.save(numbered(2)).then(() => 'saved', told))
  // Beyond the next renewal, whose failure must not end the process.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  say(await storage.load(never).then(() => 'loaded', told))
  await storage.close()
}
