/**
 * Takes docs/react-page.png: a page and a phone that talk. `npm run example:react-page` builds the page; then
 * `node test/examples/react-page/picture.ts [folder]`. Given a folder it puts each page's own picture there, and those of a failed start.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { chromiumFlags, findChromium } from '../../../node/cli/chromium.ts'

const checkout = fileURLToPath(new URL('../../..', import.meta.url))
const [, , folder] = process.argv
const server = spawn(process.execPath, [join(checkout, 'examples/react-page/server.ts'), '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit']
})
const [said] = (await once(server.stdout, 'data')) as [Buffer]
const url = /http:\S+/.exec(String(said))?.[0] ?? ''
const { path } = await findChromium()
const browser = await chromium.launch({ ...(path === undefined ? {} : { executablePath: path }), args: [...chromiumFlags] })

const desk = await open(browser, { viewport: { width: 820, height: 560 }, colorScheme: 'light' })
const phone = await open(browser, { viewport: { width: 390, height: 560 }, colorScheme: 'dark' })
const third = await open(browser, {})
for (const page of [desk, phone]) await page.getByText('Connected to 3 peers').waitFor({ timeout: 30_000 })
await say(desk, 'Is anybody else here?')
await say(phone, 'Yes, on a phone. We have a connection of our own: the server only introduced us.')
await say(third, 'And I am in the next room.')
await desk.getByText('next room').waitFor()
await phone.getByText('next room').waitFor()

const pictures = await Promise.all([desk, phone].map((page) => page.screenshot()))
const both = await browser.newPage({ viewport: { width: 820 + 390 + 60, height: 600 } })
const images = pictures.map((picture) => `<img src="data:image/png;base64,${picture.toString('base64')}">`).join('')
await both.setContent(`<style>body{margin:20px;display:flex;gap:20px;background:#c9ccd8}img{border-radius:10px}</style>${images}`)
await both.screenshot({ path: join(checkout, 'docs/react-page.png') })
if (folder !== undefined) {
  await desk.screenshot({ path: join(folder, 'desk.png') })
  await phone.screenshot({ path: join(folder, 'phone.png') })
  const failed = await browser.newPage({ viewport: { width: 390, height: 560 } })
  await failed.route('**/settings.json', (route) => route.fulfill({ status: 500 }))
  await failed.goto(url)
  await failed.getByRole('alert').waitFor()
  await failed.screenshot({ path: join(folder, 'failed.png') })
}
server.kill()
await browser.close()

async function open(of: Browser, options: BrowserContextOptions): Promise<Page> {
  const context = await of.newContext(options)
  const page = await context.newPage()
  page.on('pageerror', (error) => console.error(String(error)))
  page.on('console', (message) => message.type() === 'error' && console.error(message.text()))
  await page.goto(url)
  await page.getByRole('textbox').waitFor()
  return page
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox').fill(text)
  await page.getByRole('button', { name: 'Send' }).click()
}
