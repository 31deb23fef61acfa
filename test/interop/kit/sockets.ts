/** The TCP sockets of a process, as Linux knows them: they show what a program of any language holds. */
import { readdir, readFile, readlink } from 'node:fs/promises'

/** As in the kernel's `tcp_states.h`. */
const listening = '0A'

/** Sockets of the process that are connected, or on their way to or from it. */
export async function connectedSockets(pid: number): Promise<number> {
  const own = await socketsOf(pid)
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => '')))
  const rows = tables.flatMap((table) => table.trim().split('\n').slice(1))
  return rows.filter((row) => {
    const [, , , state, , , , , , inode = ''] = row.trim().split(/\s+/)
    return state !== listening && own.has(inode)
  }).length
}

/** The inodes of its sockets; none of a process that is gone. */
async function socketsOf(pid: number): Promise<Set<string>> {
  const folder = `/proc/${pid}/fd`
  const files = await readdir(folder).catch(() => [])
  const links = await Promise.all(files.map((file) => readlink(`${folder}/${file}`).catch(() => '')))
  return new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? '').filter((inode) => inode !== ''))
}
