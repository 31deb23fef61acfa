/** Which Firefox the check drives. */
import { expect, test } from 'vitest'
import { type Machine, thisMachine } from '../../../node/cli/chromium.ts'
import { findFirefox } from '../../../node/cli/firefox-windows.ts'

/** A machine with these executables; those of `broken` do not start. */
function machineWith(
  paths: readonly string[],
  { env = {}, broken = [] }: { env?: Machine['env']; broken?: readonly string[] } = {}
): Machine {
  return {
    ...thisMachine,
    env: { PATH: '/a:/b', ...env },
    isExecutable: async (path) => paths.includes(path),
    run: async (path) => ({ ok: !broken.includes(path), output: `Mozilla Firefox at ${path}\n` })
  }
}

test.each([
  ['Debian’s name first', machineWith(['/a/firefox', '/b/firefox-esr']), '/b/firefox-esr'],
  ['the one that FIREFOX_PATH names', machineWith(['/a/firefox', '/c/fox'], { env: { FIREFOX_PATH: '/c/fox' } }), '/c/fox'],
  ['another where one does not start', machineWith(['/a/firefox-esr', '/b/firefox'], { broken: ['/a/firefox-esr'] }), '/b/firefox'],
  ['none where none is', machineWith([]), undefined],
  ['none where FIREFOX_PATH leads nowhere', machineWith(['/a/firefox'], { env: { FIREFOX_PATH: '/nowhere' } }), undefined]
])('%s', async (_, machine, path) => {
  expect((await findFirefox(machine))?.path).toBe(path)
})
