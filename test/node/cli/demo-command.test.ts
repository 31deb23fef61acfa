import { describe, expect, test } from 'vitest'
import { readCommand } from '../../../node/cli/demo-command.ts'

describe('the words behind npm run demo', () => {
  test('nothing runs the demo at free ports', () => {
    expect(readCommand([])).toEqual({ kind: 'run', port: 0 })
  })

  test('each command is understood, with a port or without', () => {
    expect(readCommand(['--check'])).toEqual({ kind: 'check', port: 0, browser: 'chromium' })
    expect(readCommand(['--check', '--port', '4000'])).toEqual({ kind: 'check', port: 4_000, browser: 'chromium' })
    expect(readCommand(['--check', '--browser', 'firefox'])).toEqual({ kind: 'check', port: 0, browser: 'firefox' })
    expect(readCommand(['--port=4000'])).toEqual({ kind: 'run', port: 4_000 })
    expect(readCommand(['--help', '--check'])).toEqual({ kind: 'help' })
    expect(readCommand(['-h'])).toEqual({ kind: 'help' })
  })

  test('the pictures go to the docs, or where the person wants the first one', () => {
    expect(readCommand(['--screenshot'])).toEqual({ kind: 'screenshot', port: 0, path: 'docs/demo.png' })
    expect(readCommand(['--screenshot', '/tmp/page.png'])).toEqual({ kind: 'screenshot', port: 0, path: '/tmp/page.png' })
  })

  test.each([
    [['--chek'], /--chek/],
    [['check'], /expected options only, got "check"/],
    [['--check', 'twice'], /got "twice"/],
    [['--screenshot', 'a.png', 'b.png'], /got "b.png"/],
    [['--screenshot', 'page.jpg'], /expected the path of a \.png file, got "page\.jpg"/],
    [['--check', '--screenshot'], /give one of them/],
    [['--browser', 'firefox'], /--browser goes with --check/],
    [['--check', '--browser', 'lynx'], /expected chromium or firefox, got "lynx"/],
    [['--port'], /port/],
    [['--port', '0'], /expected a whole number from 1 to 65533, got "0"/],
    [['--port', '65534'], /got "65534"/],
    [['--port', '80a'], /got "80a"/],
    [['--port', '-1'], /port/]
  ])('%j is refused, and the message names what came', (args, message) => {
    expect(() => readCommand(args)).toThrow(expect.objectContaining({ name: 'UsageError', message: expect.stringMatching(message) }))
  })
})
