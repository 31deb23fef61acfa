import { chromium } from 'playwright-core'
import { chromiumFlags, findChromium } from '../node/cli/chromium.ts'
import { Shutdown } from '../node/cli/demo-shutdown.ts'
import { startExample } from '../examples/light-client/cli.ts'

const shutdown = new Shutdown()
const t0 = performance.now()
const { network, url } = await startExample({ port: 0, shutdown })
console.log('up', performance.now() - t0)
const { path } = await findChromium()
const browser = await chromium.launch({ executablePath: path, args: [...chromiumFlags] })
const open = async (name: string, colorScheme: 'light' | 'dark', width: number, height: number) => {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, deviceScaleFactor: width < 500 ? 2 : 1 })
  const page = await context.newPage()
  page.on('pageerror', (e) => console.log(name, 'pageerror', e))
  page.on('console', (m) => {
    if (m.type() === 'error') console.log(name, m.text())
  })
  await page.goto(url)
  return page
}
const a = await open('a', 'light', 1180, 1100)
await a.waitForTimeout(200)
await a.screenshot({ path: '/tmp/lc-0.png' })
await a
  .waitForFunction(() => document.body.dataset.phase === 'syncing', undefined, { timeout: 10000 })
  .catch(() => console.log('no syncing seen'))
await a.screenshot({ path: '/tmp/lc-1.png' })
await a.waitForTimeout(4000)
await a.screenshot({ path: '/tmp/lc-2.png' })
await a.waitForSelector('#lies li:nth-child(2)', { timeout: 20000 }).catch((e) => console.log(String(e)))
const silent = network.honest[1]!
silent.answerDelayMs = Number.POSITIVE_INFINITY
network.honest[2]!.answerDelayMs = 1500
await a.waitForTimeout(15000)
await a.screenshot({ path: '/tmp/lc-3.png', fullPage: true })
console.log(
  await a.evaluate(() =>
    JSON.stringify(
      (globalThis as any).lightClient.view().news.map((n: any) => [n.what.kind, n.what.why, n.what.reason, n.what.lie?.detail])
    )
  )
)
const b = await open('b', 'dark', 390, 844)
await b.waitForTimeout(14000)
await b.screenshot({ path: '/tmp/lc-4.png', fullPage: true })
await a.emulateMedia({ colorScheme: 'dark' })
await a.screenshot({ path: '/tmp/lc-5.png', fullPage: true })
await b.context().close()
await shutdown.stopAll()
await a.waitForTimeout(2000)
await a.screenshot({ path: '/tmp/lc-6.png' })
await browser.close()
process.exit(0)
