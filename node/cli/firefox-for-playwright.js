#!/usr/bin/env node
/**
 * Playwright starts this in place of Firefox. It starts the Firefox that FIREFOX_FOR_PLAYWRIGHT names, and passes WebDriver BiDi on between
 * the two. Why: Playwright sends every new page a command about colour schemes, and Firefox 153 answers that it does not know it. Here that
 * answer becomes a success, so that a page keeps the colours of the system. JavaScript, since any Node that is on the path may run it.
 */
import { spawn } from 'node:child_process'
import process from 'node:process'
import { WebSocket, WebSocketServer } from 'ws'

const optionalCommand = 'emulation.setMediaFeaturesOverride'
const args = process.argv.slice(2)
const profile = args[args.indexOf('--profile') + 1]

const firefox = spawn(String(process.env.FIREFOX_FOR_PLAYWRIGHT), args, {
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
  const optional = new Set()
  const early = []
  browser.on('open', () => {
    for (const text of early.splice(0)) browser.send(text)
  })
  playwright.on('message', (data) => {
    const text = String(data)
    const { id, method } = JSON.parse(text)
    if (method === optionalCommand) optional.add(id)
    if (browser.readyState === WebSocket.OPEN) browser.send(text)
    else early.push(text)
  })
  browser.on('message', (data) => {
    const text = String(data)
    const { id, error } = optional.size === 0 ? {} : JSON.parse(text)
    const isOptional = optional.delete(id)
    playwright.send(isOptional && error === 'unknown command' ? JSON.stringify({ type: 'success', id, result: {} }) : text)
  })
  browser.on('error', () => playwright.close())
  browser.on('close', () => playwright.close())
  playwright.on('close', () => browser.close())
}
