import { chromium } from 'playwright-core'
import { chromiumFlags, findChromium } from '../node/cli/chromium.ts'
import { Shutdown } from '../node/cli/demo-shutdown.ts'
import { startExample } from '../examples/light-client/cli.ts'
const shutdown = new Shutdown()
const { network, url } = await startExample({ port: 0, shutdown, honestForMs: 5000 })
const { path } = await findChromium()
const browser = await chromium.launch({ executablePath: path, args: [...chromiumFlags] })
const open = async (name: string, colorScheme: 'light' | 'dark', width: number, height: number) => {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, deviceScaleFactor: width < 500 ? 2 : 1 })
  const page = await context.newPage()
  page.on('pageerror', (e) => console.log(name, 'pageerror', e))
  page.on('console', (m) => { if (m.type() === 'error') console.log(name, m.text()) })
  await page.goto(url)
  return page
}
for (const p of [...network.honest, ...network.liars]) p.answerDelayMs = 450
const a = await open('a', 'light', 1180, 1000)
await a.screenshot({ path: '/tmp/lc-0.png' })
await a.waitForFunction(() => Number(document.getElementById('head-card')?.dataset.height) >= 200, undefined, { timeout: 15000 }).catch(() => console.log('no syncing seen'))
await a.screenshot({ path: '/tmp/lc-1.png' })
for (const p of [...network.honest, ...network.liars]) p.answerDelayMs = 0
await a.waitForSelector('#lies li:nth-child(2)', { timeout: 20000 }).catch((e) => console.log(String(e)))
network.honest[1]!.answerDelayMs = 900
for (let i = 0; i < 3; i++) { network.honest[1]!.makeHeader(); await a.waitForTimeout(1800) }
await a.waitForTimeout(3000)
await a.screenshot({ path: '/tmp/lc-3.png', fullPage: true })
const b = await open('b', 'dark', 390, 844)
await b.waitForSelector('#lies li:nth-child(2)', { timeout: 20000 }).catch((e) => console.log(String(e)))
await b.waitForTimeout(1500)
await b.screenshot({ path: '/tmp/lc-4.png', fullPage: true })
const c = await open('c', 'light', 1180, 700)
await c.route('**/settings.json', (r) => r.fulfill({ status: 503, body: 'no' }))
await c.reload(); await c.waitForTimeout(800)
await c.screenshot({ path: '/tmp/lc-7.png' })
await browser.close()
await shutdown.stopAll()
process.exit(0)
