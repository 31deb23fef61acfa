import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { Echo } from './kit/echo.ts'
import { iceReaches, natKinds, routerRules } from './kit/nat.ts'
import { missingOn } from './kit/requirements.ts'
import { markersOf } from './section.ts'
import { sections } from './sections/index.ts'

const runner = fileURLToPath(new URL('run.ts', import.meta.url))
const document = fileURLToPath(new URL('../../docs/networks.md', import.meta.url))

/** Run by somebody who is not root, whoever runs the tests. */
function lab(...args: readonly string[]): { status: number | null; said: string } {
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  const { status, stdout, stderr } = spawnSync(process.execPath, [runner, ...args], { encoding: 'utf8', ...nobody })
  return { status, said: stdout + stderr }
}

describe('the command', () => {
  it('without root says so, runs nothing and exits with 1', () => {
    expect(lab()).toEqual({ status: 1, said: expect.stringMatching(/needs root.*Nothing was run/s) })
  })

  it('refuses a section that is not there', () => {
    expect(lab('--section', 'moon')).toEqual({ status: 1, said: expect.stringContaining('There is no section moon') })
  })

  it('lists its sections, and the document has a place for each', async () => {
    const { status, said } = lab('--list')
    expect({ status, listed: said.match(/^[a-z0-9-]+$/gm) }).toEqual({ status: 0, listed: sections.map(({ name }) => name) })
    const text = await readFile(document, 'utf8')
    for (const section of sections) {
      const { begin, end } = markersOf(section)
      expect(text.indexOf(begin), section.name).toBeGreaterThan(0)
      expect(text.indexOf(end), section.name).toBeGreaterThan(text.indexOf(begin))
    }
  })
})

describe('what the laboratory needs', () => {
  const machine = (...absent: readonly string[]) => ({
    platform: 'linux',
    isRoot: true,
    hasCommand: (name: string) => !absent.includes(name)
  })

  it('is nothing where all tools are there', () => {
    expect(missingOn(machine())).toBeUndefined()
  })

  it('is named with the command that installs it', () => {
    expect(missingOn(machine('turnserver'))).toContain('needs turnserver: apt-get install coturn')
    expect(missingOn(machine('ip', 'nft'))).toContain('needs ip, nft: apt-get install iproute2 nftables')
  })

  it('is Linux and root', () => {
    expect(missingOn({ ...machine(), platform: 'darwin' })).toContain('root on Linux')
    expect(missingOn({ ...machine(), isRoot: false })).toContain('root on Linux')
  })
})

describe('the routers', () => {
  it('give a symmetric NAT alone another port for each destination', () => {
    for (const kind of natKinds) expect(routerRules(kind, '192.168.1.2').includes('fully-random'), kind).toBe(kind === 'symmetric')
  })

  it('let in by a rule of their own only where the kind says so', () => {
    for (const kind of natKinds)
      expect(routerRules(kind, '192.168.1.2').includes('dnat to 192.168.1.2'), kind).toBe(
        ['full-cone', 'address-restricted'].includes(kind)
      )
  })

  it('keep apart what ICE cannot bring together without TURN: symmetric, and symmetric or port restricted', () => {
    const apart = natKinds.flatMap((a) => natKinds.filter((b) => !iceReaches(a, b)).map((b) => `${a} ${b}`))
    expect(apart).toEqual(['port-restricted symmetric', 'symmetric port-restricted', 'symmetric symmetric'])
  })
})

describe('an echo', () => {
  it('answers what is asked, and counts a path once an answer came', async () => {
    const [a, b]: [Echo, Echo] = [
      new Echo({ send: async (_, bytes) => queueMicrotask(() => b.heard('a', bytes)) }),
      new Echo({ send: async (_, bytes) => queueMicrotask(() => a.heard('b', bytes)) })
    ]
    expect(await a.firstAnswer('b', 5_000)).toBeLessThan(5_000)
  })

  it('fails at its deadline if no answer comes', async () => {
    const alone = new Echo({ send: () => Promise.reject(new Error('not connected')) })
    expect(await alone.firstAnswer('b', 120)).toBeUndefined()
  })
})
