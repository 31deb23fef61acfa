import { describe, expect, test } from 'vitest'
import { lanAddress, readCommand } from '../../../node/cli/demo-command.ts'

describe('the words behind npm run demo', () => {
  test('nothing runs the demo at free ports', () => {
    expect(readCommand([])).toEqual({ kind: 'run', port: 0, host: undefined })
  })

  test('each command is understood, with a port or without', () => {
    expect(readCommand(['--check'])).toEqual({ kind: 'check', port: 0, browser: 'chromium' })
    expect(readCommand(['--check', '--port', '4000'])).toEqual({ kind: 'check', port: 4_000, browser: 'chromium' })
    expect(readCommand(['--check', '--browser', 'firefox'])).toEqual({ kind: 'check', port: 0, browser: 'firefox' })
    expect(readCommand(['--port=4000'])).toEqual({ kind: 'run', port: 4_000, host: undefined })
    expect(readCommand(['--help', '--check'])).toEqual({ kind: 'help' })
    expect(readCommand(['-h'])).toEqual({ kind: 'help' })
  })

  test('the pictures go to the docs, or where the person wants the first one', () => {
    expect(readCommand(['--screenshot'])).toEqual({ kind: 'screenshot', port: 0, path: 'docs/demo.png' })
    expect(readCommand(['--screenshot', '/tmp/page.png'])).toEqual({ kind: 'screenshot', port: 0, path: '/tmp/page.png' })
  })

  test('--host takes an address, or finds the one in the local network', () => {
    expect(readCommand(['--host', '192.168.1.20'])).toEqual({ kind: 'run', port: 0, host: '192.168.1.20' })
    const one = (address: string, internal = false) => ({ address, internal, family: 'IPv4' as const, netmask: '', mac: '', cidr: null })
    expect(lanAddress({ lo: [one('127.0.0.1', true)], tun: [one('100.64.0.1')], wlan: [one('192.168.1.20')] })).toBe('192.168.1.20')
    expect(lanAddress({ eth: [one('203.0.113.7')] })).toBe('203.0.113.7')
    expect(lanAddress({ lo: [one('127.0.0.1', true)] })).toBeUndefined()
  })

  test.each([
    [['--host', 'phone.local'], /--host: expected an IPv4 address of this machine, such as 192\.168\.1\.20, got "phone\.local"/],
    [['--host', '0.0.0.0'], /0\.0\.0\.0 is no address that a phone can open/],
    [['--check', '--host', '192.168.1.20'], /--host goes without/],
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
