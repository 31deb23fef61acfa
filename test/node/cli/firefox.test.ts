/** Which Firefox is taken, and how one is installed. What Chromium's search shows of both is not shown again. */
import { expect, test } from 'vitest'
import { findFirefox, findOrInstallFirefox } from '../../../node/cli/firefox.ts'
import { type Machine, thisMachine } from '../../../node/cli/machine.ts'

interface Given {
  readonly env?: Machine['env']
  readonly broken?: readonly string[]
  readonly mayUseApt?: boolean
  /** What `apt-get install` leaves behind. */
  readonly installs?: string
}

/** A machine with these executables; those of `broken` do not start. */
function machineWith(paths: readonly string[], { env = {}, broken = [], mayUseApt = false, installs }: Given = {}) {
  const there = [...paths]
  const commands: string[] = []
  const machine: Machine = {
    ...thisMachine,
    env: { PATH: '/a:/b', ...env },
    isExecutable: async (path) => there.includes(path),
    mayUseApt: async () => mayUseApt,
    run: async (command, args) => {
      if (args[0] === '--version') return { ok: !broken.includes(command), output: `Mozilla Firefox at ${command}\n` }
      commands.push([command, ...args].join(' '))
      if (args[0] === 'install' && installs !== undefined) there.push(installs)
      return { ok: installs !== undefined, output: 'no network' }
    }
  }
  return { machine, commands }
}

test.each([
  ['Debian’s name first', machineWith(['/a/firefox', '/b/firefox-esr']), '/b/firefox-esr'],
  ['the one that FIREFOX_PATH names', machineWith(['/a/firefox', '/c/fox'], { env: { FIREFOX_PATH: '/c/fox' } }), '/c/fox'],
  ['another where one does not start', machineWith(['/a/firefox-esr', '/b/firefox'], { broken: ['/a/firefox-esr'] }), '/b/firefox'],
  ['none where none is', machineWith([]), undefined]
])('%s', async (_, { machine }, path) => {
  expect((await findFirefox(machine)).path).toBe(path)
})

test('a FIREFOX_PATH that does not run is an error, whatever else there is', async () => {
  const { machine } = machineWith(['/a/firefox'], { env: { FIREFOX_PATH: '/nowhere' } })
  await expect(findFirefox(machine)).rejects.toThrow('"/nowhere"')
})

test('where there is none, root on Debian gets Debian’s', async () => {
  const { machine, commands } = machineWith([], { mayUseApt: true, installs: '/b/firefox-esr' })
  expect(await findOrInstallFirefox({ log: () => undefined, machine })).toBe('/b/firefox-esr')
  expect(commands).toEqual(['apt-get update', 'apt-get install -y firefox-esr'])
})

test('others are told what to do', async () => {
  const { machine, commands } = machineWith([])
  await expect(findOrInstallFirefox({ log: () => undefined, machine })).rejects.toThrow('Install Firefox, or set FIREFOX_PATH.')
  expect(commands).toEqual([])
})
