import { describe, expect, test } from 'vitest'
import {
  type About,
  aboutAgent,
  aboutBrowser,
  callOf,
  cleanName,
  decodeAbout,
  encodeAbout,
  kindWords,
  labelOf,
  readAbout,
  saidWords,
  titleOf
} from '../../../web/demo/about.ts'

const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'
const pixel = 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36'
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
const iPhone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'
const edge = `${chrome} Edg/140.0.0.0`

describe('what this page says of itself', () => {
  test.each([
    [chrome, 'Chrome on a computer'],
    [pixel, 'Chrome on a phone'],
    [firefox, 'Firefox on a computer'],
    [iPhone, 'Safari on a phone'],
    [edge, 'Edge on a computer'],
    ['Lynx/2.9', 'page on a computer']
  ])('%s is %s', (agent, words) => {
    expect(kindWords(aboutBrowser(agent))).toBe(words)
  })

  test('it is no more than the name of the browser and phone or computer', () => {
    expect(aboutBrowser(pixel)).toEqual({ kind: 'page', name: '', browser: 'Chrome', device: 'phone' })
    expect(new TextDecoder().decode(encodeAbout(aboutBrowser(iPhone)))).toBe(
      '{"kind":"page","name":"","browser":"Safari","device":"phone"}'
    )
  })
})

describe('what a stranger says of itself', () => {
  const said = (value: unknown) => decodeAbout(new TextEncoder().encode(JSON.stringify(value)))

  test('comes back as it was sent', () => {
    const about: About = { kind: 'node', name: 'Node peer 3', browser: '', device: '' }
    expect(decodeAbout(encodeAbout(about))).toEqual(about)
  })

  test.each([
    ['nothing', undefined],
    ['no bytes', new Uint8Array()],
    ['no text', new Uint8Array([0xff, 0xfe])],
    ['too much', new Uint8Array(600).fill(0x20)],
    ['a list', new TextEncoder().encode('[]')],
    ['null', new TextEncoder().encode('null')]
  ])('%s is nothing', (_, bytes) => {
    expect(decodeAbout(bytes)).toBeUndefined()
  })

  test('kinds, browsers and devices that are none are dropped', () => {
    expect(said({ kind: 'king' })).toBeUndefined()
    expect(said({ kind: 'page', browser: '<b>x</b>', device: 'toaster', name: 7 })).toEqual({
      kind: 'page',
      name: '',
      browser: '',
      device: ''
    })
  })

  test('a name is one short line without controls, turned writing or towers of accents', () => {
    expect(cleanName('  Anna\u202e \n\t and\u0000 Bob ')).toBe('Anna and Bob')
    expect(cleanName(`a${'\u0301'.repeat(50)}b`)).toBe('áb'.normalize('NFC').replace('á', 'á'))
    expect([...cleanName('🙂'.repeat(100))]).toHaveLength(32)
    expect(readAbout({ kind: 'node', name: 'x'.repeat(1_000) })?.name).toHaveLength(32)
  })

  test('libp2p peers that say nothing are known by their program', () => {
    expect(aboutAgent('js-libp2p/3.3.0 node/24.0.0')).toMatchObject({ kind: 'node' })
    expect(aboutAgent(`js-libp2p/3.3.0 browser/${pixel}`)).toMatchObject({ kind: 'page', device: 'phone' })
    expect(aboutAgent('go-libp2p/0.40 whatever')).toMatchObject({ kind: 'other', name: 'go-libp2p' })
    expect(aboutAgent('evil')).toBeUndefined()
  })
})

test('a peer is called by its name, else by its kind', () => {
  const node: About = { kind: 'node', name: 'Node peer 3', browser: '', device: '' }
  expect([titleOf(node), labelOf(node)]).toEqual(['Node peer 3', 'Node peer 3'])
  const page = aboutBrowser(pixel)
  expect([titleOf(page), labelOf(page)]).toEqual(['Chrome on a phone', 'Chrome, phone'])
  expect(titleOf({ kind: 'relay', name: '', browser: '', device: '' })).toBe('Relay')
  expect(saidWords(node)).toBe('It says that it is “Node peer 3”, a Node. Anybody can say so; only its id is proved.')
})

test('in a line a page is called by its browser, and a phone is named', () => {
  expect(callOf(aboutBrowser(chrome))).toBe('Chrome')
  expect(callOf(aboutBrowser(pixel))).toBe('Chrome on a phone')
  expect(callOf({ kind: 'node', name: '', browser: '', device: '' })).toBe('Node')
  expect(callOf({ kind: 'page', name: 'Ada', browser: 'Chrome', device: '' })).toBe('Ada')
  expect(callOf({ kind: 'other', name: '', browser: '', device: '' })).toBe('')
})
