/**
 * The example as somebody has it who copied its folder: on the packed package, with its server as a process of its own, in real browsers. Vitest's
 * NODE_ENV makes it React's build for development, so StrictMode mounts everything twice.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AxeResults } from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromiumFlags, findChromium } from '../../../../node/cli/chromium.ts'
import { type Consumer, packAndInstall, runNode } from '../../../package/packed.ts'

declare const axe: { run(): Promise<AxeResults> }

const modules = fileURLToPath(new URL('../../../../node_modules', import.meta.url))
const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

describe('the page in React', () => {
  const complaints: string[] = []
  let consumer: Consumer
  let server: ChildProcess
  let url: string
  let browser: Browser

  beforeAll(async () => {
    const [{ path }, packed] = await Promise.all([findChromium(), packAndInstall()])
    consumer = packed
    const folder = await consumer.copyExample('react-page')
    ;[browser] = await Promise.all([
      chromium.launch({ ...(path === undefined ? {} : { executablePath: path }), args: [...chromiumFlags] }),
      runNode([join(modules, '@typescript/native/bin/tsc'), '-p', '.'], folder),
      runNode([join(modules, 'vite/bin/vite.js'), 'build', 'page', '--logLevel', 'error'], folder)
    ])
    server = spawn(process.execPath, [join(folder, 'server.ts'), '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [said] = (await once(server.stdout as NonNullable<ChildProcess['stdout']>, 'data')) as [Buffer]
    url = /http:\S+/.exec(String(said))?.[0] ?? ''
  }, 180_000)

  afterAll(async () => {
    server?.kill('SIGKILL')
    await browser?.close()
    await consumer?.remove()
    expect(complaints).toEqual([])
  })

  const open = async (context: BrowserContext): Promise<Page> => {
    const page = await context.newPage()
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.goto(url)
    return page
  }
  const say = async (page: Page, text: string): Promise<void> => {
    await page.getByRole('textbox').fill(text)
    await page.getByRole('button', { name: 'Send' }).click()
  }

  test('two browsers find each other, and both tabs of one show what the other says', async () => {
    const [one, two] = [await browser.newContext(), await browser.newContext({ viewport: { width: 390, height: 700 } })]
    const [ada, grace] = [await open(one), await open(two)]
    for (const page of [ada, grace]) await page.getByText('Connected to 2 peers').waitFor()
    const adaToo = await open(one)
    await adaToo.getByText('through another tab').waitFor()
    await say(grace, 'is anybody here?')
    for (const page of [ada, adaToo]) await page.getByText('is anybody here?').waitFor()
    // The tab that owns the pool goes; the other one goes on.
    await ada.close()
    await adaToo.getByText(/^Connected to 2 peers$/).waitFor()
    await say(adaToo, 'I am')
    await grace.getByText('I am', { exact: true }).waitFor()
    expect(await grace.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    await grace.addScriptTag({ path: axePath })
    const { violations } = await grace.evaluate(() => axe.run())
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
  }, 60_000)

  test('a page that cannot start says why, and starts when it is asked to try again', async () => {
    const page = await (await browser.newContext()).newPage()
    let isBroken = true
    await page.route('**/settings.json', (route) => (isBroken ? route.fulfill({ status: 500 }) : route.continue()))
    await page.goto(url)
    await page.getByRole('alert').getByText('it answered 500').waitFor()
    isBroken = false
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText(/^Connected to/).waitFor()
  })
})
