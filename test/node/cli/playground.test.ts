import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumFlags, findChromium } from '../../../node/cli/chromium.ts'
import { buildPlayground, freeFolder, servePlayground } from '../../../node/cli/playground-page.ts'
import { PlaygroundWorld } from '../../sim/playground-world.ts'
import { readWorld } from '../../sim/world-settings.ts'

describe('the playground', () => {
  let folder: string
  let browser: Browser
  let server: Awaited<ReturnType<typeof servePlayground>>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'p2p-pool-playground-'))
    await buildPlayground(folder)
    server = await servePlayground(folder, 0)
    const { path } = await findChromium()
    browser = await chromium.launch({ ...(path === undefined ? {} : { executablePath: path }), args: [...chromiumFlags] })
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const open = async (world: string): Promise<Page> => {
    const page = await browser.newPage()
    await page.addInitScript(() => {
      const write = history.replaceState.bind(history)
      history.replaceState = (...args) => {
        document.documentElement.dataset.written = `${Number(document.documentElement.dataset.written ?? 0) + 1}`
        write(...args)
      }
    })
    await page.goto(`${server.url}#${world}`)
    await page.click('[data-speed="0"]')
    return page
  }
  /** The second that the page shows. */
  const secondOf = async (page: Page): Promise<number> => Number.parseInt((await page.textContent('#story')) ?? '', 10)

  it.each([
    ['all acts in its address, and goes on', Array.from({ length: 200 }, () => 'heal@900000').join(','), 0],
    ['all but one, clicked many times at once', Array.from({ length: 199 }, () => 'heal@900000').join(','), 20],
    ['none, clicked more often than the limit', '', 230]
  ])('says that a world takes no more: %s', async (_, acts, clicks) => {
    const page = await open(`pools=10&acts=${acts}`)
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(String(error)))
    await page.evaluate((times) => {
      // At once: what the page has not heard of yet cannot disable the button.
      for (let i = 0; i < times; i++) document.querySelector<HTMLButtonElement>('[data-act="heal"]')?.click()
    }, clicks)
    await expect.poll(() => page.textContent('#no-act'), { timeout: 20_000 }).toContain('takes nothing more')
    expect(await page.locator('[data-act]:enabled').count()).toBe(0)
    const before = await secondOf(page)
    await expect.poll(() => secondOf(page), { timeout: 20_000 }).toBeGreaterThan((before || 0) + 5)
    expect([await page.locator('#problem').isHidden(), problems]).toEqual([true, []])
    expect(readWorld(new URL(page.url()).hash.slice(1)).acts).toHaveLength(200)
    await page.click('#restart')
    await expect.poll(() => page.locator('[data-act]:enabled').count(), { timeout: 20_000 }).toBe(6)
    await page.close()
  })

  it('runs a world in a page as npm run sim runs it, with what a visitor did to it', async () => {
    const page = await open('pools=20&churn=20')
    await expect.poll(() => secondOf(page), { timeout: 20_000 }).toBeGreaterThan(20)
    await page.click('[data-act="kill-relays"]')
    await expect.poll(() => page.textContent('#since'), { timeout: 20_000 }).toMatch(/^The relays were killed \d+ s ago\./)
    await page.click('#pause')
    await expect.poll(() => page.textContent('#life')).toBe('Paused')
    const story = await page.textContent('#story')
    const seconds = await secondOf(page)
    const text = new URL(page.url()).hash.slice(1)
    expect(text).toMatch(/^pools=20&churn=20&acts=kill-relays@\d+$/)
    expect(await page.textContent('#command')).toBe(`npm run sim -- --scenario playground --world '${text}' --seconds ${seconds}`)
    const world = new PlaygroundWorld(readWorld(text))
    while (world.second < seconds) await world.step()
    expect(story).toContain(`event log ${world.story.hash}.`)
    // Once for what the visitor did. Browsers refuse a page that writes its address a hundred times in ten seconds.
    expect(await page.getAttribute('html', 'data-written')).toBe('1')
    await page.close()
  })

  it('says what is wrong with an address, and runs the default world', async () => {
    const page = await open('pools=many')
    await expect.poll(() => page.textContent('#problem')).toContain('pools: expected a whole number from 2 to 1000, got "many"')
    await expect.poll(() => page.textContent('[data-testid=minimum]'), { timeout: 20_000 }).toMatch(/^\d+ of 97$/)
    expect(page.url()).toMatch(/#pools=many$/)
    await page.close()
  })

  it('shows what an address plans, goes there at a press, and then at the speed before', async () => {
    const page = await open('pools=20&churn=0&acts=kill-half@150,split@151')
    await page.click('[data-speed="1"]')
    await expect
      .poll(() => page.textContent('#planned'), { timeout: 20_000 })
      .toMatch(/^Planned by the address: kill half of the pools at 150 s, split the network in two at 151 s\. The run is at \d+ s\.$/)
    await page.click('#go-to-break')
    await expect.poll(() => secondOf(page), { timeout: 20_000 }).toBeGreaterThanOrEqual(152)
    expect(await secondOf(page)).toBeLessThan(160)
    expect(await page.textContent('#since')).toMatch(/^The network was split \d s ago\. .* The split alone makes two parts/)
    expect(await page.textContent('#parts')).toBe('2')
    expect(await page.isHidden('#plan')).toBe(true)
    await page.close()
  })

  it('opens an address that a visitor enters just before the next picture', async () => {
    const page = await open('pools=20&seed=3')
    await expect.poll(() => secondOf(page), { timeout: 20_000 }).toBeGreaterThan(1)
    // The event comes after what waits already. This thread is busy until pictures wait.
    await page.evaluate(() => {
      const until = performance.now() + 1_000
      while (performance.now() < until);
      location.hash = '#pools=20&seed=4'
    })
    await expect.poll(() => page.inputValue('#seed')).toBe('4')
    expect(page.url()).toMatch(/#pools=20&seed=4$/)
    await page.close()
  })

  it('is built into a folder that is new, empty or holds an earlier build, as seen from where the person stands', async () => {
    expect(await freeFolder('.', folder)).toBe(folder)
    expect(await freeFolder('new/one', folder)).toBe(join(folder, 'new/one'))
    const others = await mkdtemp(join(tmpdir(), 'p2p-pool-others-'))
    expect(await freeFolder(others, folder)).toBe(others)
  })

  it('is built into no folder with other files, whatever it is called', async () => {
    const others = await mkdtemp(join(tmpdir(), 'p2p-pool-others-'))
    await writeFile(join(others, 'index.html'), '<title>Mine</title>')
    await expect(freeFolder(others, '/')).rejects.toThrow(`got ${others}, which has other files`)
    await writeFile(join(others, 'index.html'), '<title>p2p-pool playground</title>')
    await writeFile(join(others, 'notes.txt'), 'mine')
    await expect(freeFolder(others, '/')).rejects.toThrow('which has other files')
    await expect(freeFolder('notes.txt', others)).rejects.toThrow(/expected a folder .* ENOTDIR/)
    await expect(freeFolder('', others)).rejects.toThrow('got ""')
    await rm(others, { recursive: true })
  })
})
