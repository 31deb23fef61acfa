/** Processor time of a process, to the microsecond where the system tells it: what Node and browsers say is in steps of some ms. */
import { readdir, readFile } from 'node:fs/promises'

/** Of all its threads so far, ms. `otherwise`: what is known of it where there is no Linux. */
export async function processorMsOf(pid: number, otherwise: number): Promise<number> {
  try {
    const threads = await readdir(`/proc/${pid}/task`)
    // A thread may end meanwhile.
    const spent = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')))
    return spent.reduce((sum, text) => sum + Number(text.split(' ')[0]) / 1e6, 0)
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return otherwise
    throw error
  }
}
