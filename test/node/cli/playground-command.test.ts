import { describe, expect, it } from 'vitest'
import { readPlaygroundCommand } from '../../../node/cli/playground-command.ts'

describe('the words behind npm run playground', () => {
  it.each([
    [[], { kind: 'run', port: 4190 }],
    [['--port', '0'], { kind: 'run', port: 0 }],
    [['--out', 'dist/play'], { kind: 'build', out: 'dist/play' }],
    [['--check'], { kind: 'check', browser: 'chromium' }],
    [['--check', '--browser', 'firefox'], { kind: 'check', browser: 'firefox' }],
    [['--screenshot'], { kind: 'screenshot', path: 'docs/playground.jpg' }],
    [['--screenshot', '/tmp/a.jpg'], { kind: 'screenshot', path: '/tmp/a.jpg' }],
    [['-h', '--check'], { kind: 'help' }]
  ])('%j is understood', (args, command) => {
    expect(readPlaygroundCommand(args)).toEqual(command)
  })

  it.each([
    [['--chek'], /--chek/],
    [['check'], /expected options only, got "check"/],
    [['--port', '65536'], /--port: expected a whole number from 0 to 65535, got "65536"/],
    [['--check', '--out', 'x'], /--check and --out are different commands/],
    [['--browser', 'firefox'], /--browser goes with --check/],
    [['--check', '--browser', 'lynx'], /expected chromium or firefox, got "lynx"/],
    [['--screenshot', 'page.png'], /expected the path of a \.jpg file, got "page\.png"/]
  ])('%j is refused, and the message names what came', (args, message) => {
    expect(() => readPlaygroundCommand(args)).toThrow(
      expect.objectContaining({ name: 'UsageError', message: expect.stringMatching(message) })
    )
  })
})
