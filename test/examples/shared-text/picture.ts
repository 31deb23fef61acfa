/**
 * Takes docs/shared-text.png: two browsers beside each other that write one text, the server killed. `npm run example:shared-text` builds the
 * page; then `node test/examples/shared-text/picture.ts [folder]`. Given a folder it puts pictures of a phone there too.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { chromiumFlags, findChromium } from '../../../node/cli/chromium.ts'

const checkout = fileURLToPath(new URL('../../..', import.meta.url))
const [, , folder] = process.argv
const size = { width: 620, height: 470 }
const server = spawn(process.execPath, [join(checkout, 'examples/shared-text/server.ts'), '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit']
})
const [said] = (await once(server.stdout, 'data')) as [Buffer]
const url = /http:\S+/.exec(String(said))?.[0]
const { path } = await findChromium()
const browser = await chromium.launch({ ...(path === undefined ? {} : { executablePath: path }), args: [...chromiumFlags] })

const [ada, grace] = [await open(browser, 'Ada', 'light'), await open(browser, 'Grace', 'dark')]
const field = (page: Page) => page.locator('#field')
await grace.locator('body[data-phase="connected"]').waitFor()
await field(ada).pressSequentially('Plans for the garden\n\n- beans and peas along the fence\n- two more apple trees\n')
await grace.waitForFunction(() => document.querySelector('textarea')?.value.includes('trees'))
server.kill('SIGKILL')
for (const page of [ada, grace]) await page.locator('#server[data-there="false"]').waitFor()
await grace.keyboard.press('Control+End')
await field(grace).focus()
await grace.keyboard.press('Control+End')
await field(grace).pressSequentially('- a bench in the shade, from the old oak')
await ada.waitForFunction(() => document.querySelector('textarea')?.value.endsWith('oak'))
await field(ada).evaluate((element: HTMLTextAreaElement) => {
  const at = element.value.indexOf('apple')
  element.setSelectionRange(at, at + 'apple trees'.length)
})
await grace.locator('mark').waitFor()

const pictures = await Promise.all([ada, grace].map((page) => page.screenshot()))
const both = await browser.newPage({ viewport: { width: 2 * size.width + 60, height: size.height + 40 } })
const images = pictures.map((picture) => `<img src="data:image/png;base64,${picture.toString('base64')}">`).join('')
await both.setContent(`<style>body{margin:20px;display:flex;gap:20px;background:#c9ccd8}img{border-radius:10px}</style>${images}`)
await both.screenshot({ path: join(checkout, 'docs/shared-text.png') })
if (folder !== undefined) {
  for (const [name, page] of Object.entries({ ada, grace })) {
    await page.setViewportSize({ width: 390, height: 760 })
    await page.waitForTimeout(200)
    await page.screenshot({ path: join(folder, `${name}.png`) })
  }
}
await browser.close()

async function open(of: Browser, name: string, colorScheme: 'light' | 'dark'): Promise<Page> {
  const context = await of.newContext({ viewport: size, colorScheme })
  const page = await context.newPage()
  await page.addInitScript(
    (number) => {
      Math.random = () => number
    },
    name === 'Ada' ? 0.45 : 0.05
  )
  await page.goto(`${url}?doc=garden`)
  await page.locator('#field:enabled').waitFor()
  await page.locator('#name').fill(name)
  await page.locator('#name').blur()
  return page
}
