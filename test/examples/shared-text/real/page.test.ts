/**
 * The example as a person has it who copied its folder: on the packed package, with its server as a process of its own. Two tabs of one
 * browser and one or two other browsers write one text, also after the server was killed. `npm run test:examples` has Firefox among them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AxeResults } from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Shared } from '../../../../examples/shared-text/page/main.ts'
import { chromiumFlags, findChromium } from '../../../../node/cli/chromium.ts'
import { findFirefox } from '../../../../node/cli/firefox.ts'
import { Firefox } from '../../../../node/cli/firefox-windows.ts'
import { type Consumer, packAndInstall, runNode } from '../../../package/packed.ts'

declare const sharedText: Shared

const modules = fileURLToPath(new URL('../../../../node_modules', import.meta.url))
const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const withFirefox = process.env.EXAMPLES_IN_FIREFOX === '1'
/** A page joins, and finds another page through the server. */
const joinMs = 30_000

/** A tab of either browser. */
type Tab = Pick<Page, 'evaluate'>

describe('the shared text', () => {
  const complaints: string[] = []
  const contexts: BrowserContext[] = []
  let consumer: Consumer
  let server: ChildProcess
  let url: string
  let browser: Browser
  let firefox: Firefox | undefined

  beforeAll(async () => {
    const [{ path }, packed] = await Promise.all([findChromium(), packAndInstall()])
    consumer = packed
    const folder = await consumer.copyExample('shared-text')
    const launch = { ...(path === undefined ? {} : { executablePath: path }), args: [...chromiumFlags] }
    const foxPath = withFirefox ? (await findFirefox()).path : undefined
    ;[, , browser, firefox] = await Promise.all([
      runNode([join(modules, '@typescript/native/bin/tsc'), '-p', '.'], folder),
      runNode([join(modules, 'vite/bin/vite.js'), 'build', 'page', '--logLevel', 'error'], folder),
      chromium.launch(launch),
      foxPath === undefined ? undefined : Firefox.launch(foxPath)
    ])
    if (withFirefox && firefox === undefined) throw new Error('no Firefox was found: FIREFOX_PATH names one')
    server = spawn(process.execPath, [join(folder, 'server.ts'), '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
    url = await addressSaid(server)
  }, 180_000)

  afterAll(async () => {
    server?.kill('SIGKILL')
    await Promise.all([...contexts.map((context) => context.close()), firefox?.close()])
    await browser?.close()
    await consumer?.remove()
    expect(complaints).toEqual([])
  })

  const newBrowser = async (options: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> => {
    const context = await browser.newContext(options)
    contexts.push(context)
    return context
  }
  const open = async (context: BrowserContext, name: string): Promise<Page> => {
    const page = await context.newPage()
    page.on('pageerror', (error) => complaints.push(`${name}: ${error}`))
    await page.goto(`${url}?doc=plans`)
    await isOpen(page, name)
    return page
  }

  test('two tabs and another browser write one text while the server runs, and after it was killed', async () => {
    const [one, two] = await Promise.all([newBrowser(), newBrowser()])
    const [ada, adaToo, grace] = [await open(one, 'Ada'), await open(one, 'Ada 2'), await open(two, 'Grace')]
    const tabs: Record<string, Tab> = { Ada: ada, 'Ada 2': adaToo, Grace: grace }
    if (firefox !== undefined) {
      const fox = (await firefox.open(`${url}?doc=plans`)) as unknown as Tab
      await isOpen(fox, 'Fox')
      tabs.Fox = fox
    }
    const names = Object.keys(tabs)
    const writers = Object.entries(tabs)
    const textsAre = (matches: (text: string) => boolean): Promise<void> => agree(Object.values(tabs), matches)

    // All at once.
    await Promise.all(writers.map(([name, tab]) => write(tab, `${name} was here\n`)))
    await textsAre((text) => names.every((name) => text.includes(`${name} was here\n`)))
    for (const [name, tab] of writers) {
      await expect.poll(() => tab.evaluate(shownNames), { timeout: joinMs }).toEqual(names.filter((other) => other !== name).sort())
    }
    expect(await Promise.all(Object.values(tabs).map((tab) => tab.evaluate(() => sharedText.provider.synced)))).not.toContain(false)

    server.kill('SIGKILL')
    for (const tab of Object.values(tabs)) {
      await expect
        .poll(() => tab.evaluate(() => document.getElementById('server')?.textContent), { timeout: joinMs })
        .toMatch(/^Server gone/)
    }
    // In each direction alone, then all at once.
    for (const [name, tab] of writers) {
      await write(tab, `${name} without a server\n`)
      await textsAre((text) => text.includes(`${name} without a server\n`))
    }
    await Promise.all(writers.map(([name, tab]) => write(tab, `${name} again\n`)))
    await textsAre((text) => names.every((name) => text.includes(`${name} again\n`)))

    // What Ada types does not move Grace's caret from its word, and Grace sees Ada's caret.
    await grace.evaluate(() => {
      const field = document.getElementById('field') as HTMLTextAreaElement
      field.focus()
      const at = field.value.indexOf('Grace without')
      field.setSelectionRange(at, at + 5)
    })
    await ada.locator('#field').focus()
    await ada.keyboard.press('ControlOrMeta+Home')
    await ada.keyboard.type('Plans\n\n')
    await textsAre((text) => text.startsWith('Plans\n\n'))
    const selected = (page: Page): Promise<string> =>
      page.evaluate(() => {
        const { value, selectionStart, selectionEnd } = document.getElementById('field') as HTMLTextAreaElement
        return value.slice(selectionStart, selectionEnd)
      })
    expect(await selected(grace)).toBe('Grace')
    await expect.poll(() => grace.evaluate(placeOfCaret, 'Ada')).toBe('Plans\n\n')
    await expect.poll(() => ada.evaluate(() => document.querySelector('mark')?.textContent)).toBe('Grace')

    // Undo takes back what this person wrote, and nothing else.
    await write(grace, 'the end')
    await textsAre((text) => text.endsWith('the end'))
    await ada.locator('#field').focus()
    await ada.keyboard.press('ControlOrMeta+z')
    await textsAre((text) => !text.startsWith('Plans') && text.endsWith('the end'))

    // An input method keeps the field for itself until a character is composed; what came meanwhile is there then.
    await grace.evaluate(() => {
      const field = document.getElementById('field') as HTMLTextAreaElement
      field.dispatchEvent(new CompositionEvent('compositionstart'))
      field.setRangeText('…か', field.value.length, field.value.length, 'end')
      field.dispatchEvent(new InputEvent('input', { isComposing: true }))
    })
    await ada.keyboard.press('ControlOrMeta+Home')
    await ada.keyboard.type('Meanwhile. ')
    await agree([ada, adaToo], (text) => text.startsWith('Meanwhile. ') && text.endsWith('the end'))
    expect(await grace.evaluate(() => (document.getElementById('field') as HTMLTextAreaElement).value)).not.toContain('Meanwhile')
    await grace.evaluate(() => document.getElementById('field')?.dispatchEvent(new CompositionEvent('compositionend')))
    await textsAre((text) => text.startsWith('Meanwhile. ') && text.endsWith('the end…か'))
    const toEnd = (): Promise<number> =>
      grace.evaluate(() => {
        const { value, selectionStart } = document.getElementById('field') as HTMLTextAreaElement
        return value.length - selectionStart
      })
    expect(await toEnd()).toBe(0)

    // They vanish when they leave.
    await adaToo.close()
    const others = (...left: string[]): string[] => names.filter((name) => !['Grace', 'Ada 2', ...left].includes(name))
    await expect.poll(() => grace.evaluate(shownNames), { timeout: 5_000 }).toEqual(others())
    await one.close()
    await expect.poll(() => grace.evaluate(shownNames), { timeout: 10_000 }).toEqual(others('Ada'))
    expect(await grace.evaluate(() => document.querySelectorAll('.caret').length)).toBeLessThan(names.length - 2)
  }, 180_000)

  test.each([
    ['wide and light', { viewport: { width: 1_280, height: 900 }, colorScheme: 'light' }],
    ['a phone in the dark', { viewport: { width: 375, height: 700 }, colorScheme: 'dark' }]
  ] as const)('axe finds nothing wrong: %s', async (_name, { viewport, colorScheme }) => {
    const page = contexts.at(1)?.pages().at(0)
    if (page === undefined) throw new Error('no page is left')
    await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme })
    await page.addScriptTag({ path: axePath })
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } }
      return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' ')}`)
    })
    expect(violations).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
  })
})

async function addressSaid({ stdout }: ChildProcess): Promise<string> {
  let said = ''
  stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const deadline = AbortSignal.timeout(joinMs)
  for (;;) {
    const [, found] = /(http:\/\/\S+)/.exec(said) ?? []
    if (found !== undefined) return found
    if (stdout !== null) await once(stdout, 'data', { signal: deadline })
  }
}

async function isOpen(tab: Tab, name: string): Promise<void> {
  await expect.poll(() => tab.evaluate(() => document.getElementById('field')?.matches(':enabled')), { timeout: joinMs }).toBe(true)
  await tab.evaluate((value) => {
    const field = document.getElementById('name') as HTMLInputElement
    field.value = value
    field.dispatchEvent(new Event('change'))
  }, name)
}

/** At the end, as a person does. */
function write(tab: Tab, text: string): Promise<void> {
  return tab.evaluate((inserted) => {
    const field = document.getElementById('field') as HTMLTextAreaElement
    field.focus()
    field.setRangeText(inserted, field.value.length, field.value.length, 'end')
    field.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertText', data: inserted }))
  }, text)
}

/** All tabs show one text, and it is that one. */
async function agree(tabs: readonly Tab[], matches: (text: string) => boolean): Promise<void> {
  const texts = (): Promise<string[]> =>
    Promise.all(tabs.map((tab) => tab.evaluate(() => (document.getElementById('field') as HTMLTextAreaElement).value)))
  await expect
    .poll(
      async () => {
        const [first = '', ...others] = await texts()
        return others.every((text) => text === first) && matches(first)
      },
      { timeout: joinMs, interval: 50 }
    )
    .toBe(true)
}

function shownNames(): string[] {
  return [...document.querySelectorAll('[data-testid="person"]')].map(({ textContent }) => textContent ?? '').sort()
}

/** The text before somebody's caret. */
function placeOfCaret(name: string): string | undefined {
  const caret = [...document.querySelectorAll('.caret')].find(({ textContent }) => textContent === name)
  const range = document.createRange()
  const layer = document.getElementById('layer')
  if (caret === undefined || layer === null) return undefined
  range.setStart(layer, 0)
  range.setEndBefore(caret)
  return range.toString()
}
