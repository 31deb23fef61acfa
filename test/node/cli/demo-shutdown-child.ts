/** The program of `demo-shutdown.test.ts`: like the demo it stops its parts on a signal. Its part takes as many milliseconds as its argument says. */
import { listenForEnds, Shutdown } from '../../../node/cli/demo-shutdown.ts'

const shutdown = new Shutdown()
listenForEnds(shutdown)
await shutdown.own('the part', {
  start: async () => setInterval(() => undefined, 1_000),
  stop: async (running) => {
    process.stdout.write('stopping\n')
    await new Promise((resolve) => setTimeout(resolve, Number(process.argv[2])))
    clearInterval(running)
  }
})
shutdown.expectEnd()
process.stdout.write('up\n')
const { status } = await shutdown.requested
const problems = await shutdown.stopAll()
process.stdout.write(problems.length === 0 ? 'stopped\n' : `${problems.join()}\n`)
process.exitCode = status
