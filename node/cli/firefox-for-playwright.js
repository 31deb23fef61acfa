#!/usr/bin/env node
/**
 * Playwright starts this in place of Firefox. It starts the Firefox that FIREFOX_FOR_PLAYWRIGHT names, and passes WebDriver BiDi on between
 * the two. Firefox 153 lacks two things that Playwright expects:
 *
 * - A command that sets colour schemes. The browser's own code sets that of a page in its place. A new visitor has the system's.
 * - An id of each download. Its URL, which is there, takes that place.
 *
 * JavaScript, since any Node that is on the path may run it.
 */
import { spawn } from 'node:child_process'
import process from 'node:process'
import { WebSocket, WebSocketServer } from 'ws'

const setScheme = 'emulation.setMediaFeaturesOverride'
/** Ids of our own commands begin here. Playwright counts from one. */
const ownIds = 1_000_000_000
const args = process.argv.slice(2)
const profile = args[args.indexOf('--profile') + 1]

const firefox = spawn(String(process.env.FIREFOX_FOR_PLAYWRIGHT), [...args, '--remote-allow-system-access'], {
  stdio: ['ignore', 'inherit', 'pipe'],
  env: { ...process.env, HOME: profile }
})
firefox.on('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
firefox.on('exit', (code) => process.exit(code ?? 1))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => firefox.kill(signal))

let said = ''
let url
firefox.stderr.setEncoding('utf8').on('data', (text) => {
  if (url !== undefined) {
    process.stderr.write(text)
    return
  }
  said = (said + text).slice(-10_000)
  url = /WebDriver BiDi listening on (ws:\S+)\s/.exec(said)?.[1]
  if (url !== undefined) listen(url)
})

function listen(target) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('listening', () => process.stderr.write(`WebDriver BiDi listening on ws://127.0.0.1:${server.address().port}\n`))
  server.on('connection', (playwright, { url: path }) => join(playwright, new WebSocket(`${target}${path}`)))
}

function join(playwright, browser) {
  /** Commands for which Firefox may lack a word, by their ids. */
  const schemes = new Map()
  /** What waits for answers to our own commands, by their ids. */
  const own = new Map()
  const early = []
  let ids = ownIds

  const send = (text) => (browser.readyState === WebSocket.OPEN ? browser.send(text) : early.push(text))
  const ask = (method, params) =>
    new Promise((resolve, reject) => {
      const id = ++ids
      own.set(id, ({ result, message }) => (result === undefined ? reject(new Error(message)) : resolve(result)))
      send(JSON.stringify({ id, method, params }))
    })
  const answer = async (id, { contexts = [], features }) => {
    const scheme = features['prefers-color-scheme'] ?? 'none'
    for (const context of contexts) await setSchemeOf(context, { scheme, ask })
    playwright.send(JSON.stringify({ type: 'success', id, result: {} }))
  }

  browser.on('open', () => {
    for (const text of early.splice(0)) browser.send(text)
  })
  playwright.on('message', (data) => {
    const text = String(data)
    const { id, method, params } = JSON.parse(text)
    if (method === setScheme) schemes.set(id, params)
    send(text)
  })
  browser.on('message', (data) => {
    const text = String(data)
    const message = JSON.parse(text)
    const { id, error, method, params } = message
    const scheme = schemes.get(id)
    schemes.delete(id)
    if (own.has(id)) {
      own.get(id)(message)
      own.delete(id)
    } else if (scheme !== undefined && error === 'unknown command') {
      answer(id, scheme).catch((failure) => {
        playwright.send(JSON.stringify({ type: 'error', id, error: 'unknown error', message: failure.message }))
      })
    } else if (/^browsingContext\.download/.test(method) && params.navigation === null) {
      playwright.send(JSON.stringify({ ...message, params: { ...params, navigation: params.url } }))
    } else {
      playwright.send(text)
    }
  })
  browser.on('error', () => playwright.close())
  browser.on('close', () => playwright.close())
  playwright.on('close', () => browser.close())
}

/** By a script in the browser's own window. */
async function setSchemeOf(context, { scheme, ask }) {
  const { contexts } = await ask('browsingContext.getTree', { 'moz:scope': 'chrome' })
  const expression = `
    const { NavigableManager } = ChromeUtils.importESModule('chrome://remote/content/shared/NavigableManager.sys.mjs')
    NavigableManager.getBrowsingContextById(${JSON.stringify(context)}).prefersColorSchemeOverride = ${JSON.stringify(scheme)}
    undefined`
  const target = { context: contexts[0].context }
  const { exceptionDetails } = await ask('script.evaluate', { expression: `{${expression}}`, target, awaitPromise: false })
  if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text)
}
