import { describe, expect, it } from 'vitest'
import { chromiumFlags, findChromium, findOrInstallChromium } from '../../../node/cli/chromium.ts'
import type { Machine } from '../../../node/cli/machine.ts'

const playwrightsOwn = '/home/me/.cache/ms-playwright/chrome'

interface Given {
  readonly env?: Record<string, string>
  /** Executables that answer --version. */
  readonly works?: readonly string[]
  /** Executables that exist and fail. */
  readonly broken?: readonly string[]
  readonly mayUseApt?: boolean
  /** What running an installer leaves behind, by its first two words; one that is not named fails. */
  readonly installs?: Readonly<Record<string, readonly string[]>>
}

function machineWith({
  env = {},
  works = [],
  broken = [],
  mayUseApt = false,
  installs = {}
}: Given): Machine & { readonly commands: string[] } {
  const working = new Set(works)
  const commands: string[] = []
  return {
    commands,
    env: { PATH: '/usr/local/bin:/usr/bin', ...env },
    isExecutable: async (path) => working.has(path) || broken.includes(path),
    playwrightPath: async () => playwrightsOwn,
    playwrightCli: () => '/cli.js',
    mayUseApt: async () => mayUseApt,
    async run(command, args) {
      if (args[0] === '--version') return { ok: working.has(command), output: `Chromium at ${command}\n` }
      const line = [command === process.execPath ? 'node' : command, ...args].join(' ')
      commands.push(line)
      const left = installs[line.split(' ').slice(0, 2).join(' ')]
      for (const path of left ?? []) working.add(path)
      return left === undefined ? { ok: false, output: 'no network' } : { ok: true, output: '' }
    }
  }
}

describe('which Chromium is taken', () => {
  const all = ['/opt/mine', '/usr/bin/chromium', '/usr/local/bin/chromium-browser', '/usr/local/bin/google-chrome', playwrightsOwn]
  const cases: readonly { name: string; given: Given; expected: string }[] = [
    { name: 'CHROME_PATH goes before everything', given: { env: { CHROME_PATH: '/opt/mine' }, works: all }, expected: '/opt/mine' },
    { name: 'an empty CHROME_PATH counts as none', given: { env: { CHROME_PATH: '' }, works: all }, expected: '/usr/bin/chromium' },
    { name: 'chromium goes before other names earlier on the path', given: { works: all }, expected: '/usr/bin/chromium' },
    { name: 'chromium-browser goes before google-chrome', given: { works: all.slice(2) }, expected: '/usr/local/bin/chromium-browser' },
    { name: 'google-chrome goes before the one of Playwright', given: { works: all.slice(3) }, expected: '/usr/local/bin/google-chrome' },
    { name: 'the one of Playwright is the last resort', given: { works: all.slice(4) }, expected: playwrightsOwn },
    {
      name: 'one that does not start is passed over',
      given: { works: ['/usr/bin/google-chrome'], broken: ['/usr/bin/chromium', '/usr/bin/chromium-browser'] },
      expected: '/usr/bin/google-chrome'
    }
  ]
  it.each(cases)('$name', async ({ given, expected }) => {
    const machine = machineWith({ ...given, mayUseApt: true })
    expect(await findOrInstallChromium({ log: () => undefined, machine })).toBe(expected)
    expect(machine.commands).toEqual([])
  })

  it('a CHROME_PATH that does not run is an error, whatever else there is', async () => {
    const machine = machineWith({ env: { CHROME_PATH: '/opt/gone' }, works: all, mayUseApt: true })
    await expect(findOrInstallChromium({ log: () => undefined, machine })).rejects.toThrow('"/opt/gone"')
    expect(machine.commands).toEqual([])
  })

  it('a search without result says what was looked at and installs nothing', async () => {
    const machine = machineWith({ broken: ['/usr/bin/chromium'], mayUseApt: true })
    const search = await findChromium(machine)
    expect(search.path).toBeUndefined()
    expect(search).toHaveProperty(
      'tried',
      expect.arrayContaining(['/usr/bin/chromium does not start', expect.stringContaining(playwrightsOwn)])
    )
    expect(machine.commands).toEqual([])
  })
})

describe('how Chromium is installed', () => {
  const update = 'apt-get update'
  const apt = 'apt-get install -y chromium'
  const playwright = 'node /cli.js install --no-shell chromium'

  it("root on Debian gets Debian's package, after an update of the package lists", async () => {
    const machine = machineWith({ mayUseApt: true, installs: { [update]: [], 'apt-get install': ['/usr/bin/chromium'] } })
    const lines: string[] = []
    expect(await findOrInstallChromium({ log: (line) => lines.push(line), machine })).toBe('/usr/bin/chromium')
    expect(machine.commands).toEqual([update, apt])
    expect(lines).toEqual([expect.stringContaining(apt), expect.stringContaining('/usr/bin/chromium')])
  })

  it('others get the one of Playwright', async () => {
    const machine = machineWith({ installs: { 'node /cli.js': [playwrightsOwn] } })
    expect(await findOrInstallChromium({ log: () => undefined, machine })).toBe(playwrightsOwn)
    expect(machine.commands).toEqual([playwright])
  })

  it('Playwright is asked when the package cannot be installed', async () => {
    const machine = machineWith({ mayUseApt: true, installs: { 'node /cli.js': [playwrightsOwn] } })
    expect(await findOrInstallChromium({ log: () => undefined, machine })).toBe(playwrightsOwn)
    expect(machine.commands).toEqual([update, playwright])
  })

  it('Playwright is asked when the installed package does not start', async () => {
    const machine = machineWith({ mayUseApt: true, installs: { [update]: [], 'apt-get install': [], 'node /cli.js': [playwrightsOwn] } })
    expect(await findOrInstallChromium({ log: () => undefined, machine })).toBe(playwrightsOwn)
    expect(machine.commands).toEqual([update, apt, playwright])
  })

  it('when nothing works the error lists everything tried', async () => {
    const machine = machineWith({ mayUseApt: true })
    const failure = findOrInstallChromium({ log: () => undefined, machine })
    for (const part of [
      'CHROME_PATH is not set',
      'google-chrome',
      playwrightsOwn,
      `${update} failed: no network`,
      'install --no-shell chromium failed: no network'
    ]) {
      await expect(failure).rejects.toThrow(part)
    }
  })
})

it('every flag for Chromium is given once', () => {
  expect(new Set(chromiumFlags).size).toBe(chromiumFlags.length)
})
