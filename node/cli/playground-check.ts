/** The facts of `npm run playground -- --check`: the built page in a browser, below a sub-path of a plain web server. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { violationsOf } from './demo-check-access.ts'
import { eventually, expectThat } from './demo-facts.ts'
import { type PageServer, serveFiles } from './demo-server.ts'
import { checkBigWorld } from './playground-check-big.ts'
import type { PlaygroundCheck } from './playground-check-context.ts'
import { checkControls } from './playground-check-controls.ts'
import { buildPlayground, playgroundFiles } from './playground-page.ts'
import { simulate } from './playground-sim.ts'
import { PlaygroundVisitor } from './playground-visitor.ts'

/** Where the folder lies on its host: no page may expect to be at the root. */
const subPath = '/some/where/'
const phone = { width: 390, height: 844 }
const desktop = { width: 1280, height: 1000 }

/** `folder` is empty. Everything is observed, whatever does not hold. */
export async function checkPlayground({ folder, ...check }: Omit<PlaygroundCheck, 'url'> & { readonly folder: string }): Promise<void> {
  const { facts, shutdown } = check
  let server: PageServer | undefined
  await facts.holds('the page is built into one folder, and served below a sub-path', async () => {
    await buildPlayground(folder)
    const files = await playgroundFiles(folder, subPath)
    server = await shutdown.own('The web server', { start: () => serveFiles(files, 0), stop: (started) => started.close() })
    const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    const bytes = await Promise.all(names.map(async ({ parentPath, name }) => gzipSync(await readFile(join(parentPath, name))).length))
    expectThat(files.has(subPath), { expected: 'an index.html', seen: [...files.keys()] })
    return `${names.length} files, ${Math.round(bytes.reduce((sum, size) => sum + size, 0) / 1_000)} kB gzipped`
  })
  if (server === undefined) return
  const url = server.url.replace(/\/$/, subPath)
  await checkAlone({ ...check, folder })
  await checkSameRun({ ...check, url })
  await checkPlan({ ...check, url })
  await checkControls({ ...check, url })
  await checkBigWorld({ ...check, url })
  await checkAccess({ ...check, url })
}

/** A server of its own, which goes. */
async function checkAlone({ facts, browser, folder }: Omit<PlaygroundCheck, 'url'> & { readonly folder: string }): Promise<void> {
  const server = await serveFiles(await playgroundFiles(folder, subPath), 0)
  const url = server.url.replace(/\/$/, subPath)
  const visitor = await PlaygroundVisitor.open(browser, url)
  await facts.holds('it asks for its own files and for nothing else', async () => {
    await eventually(async () => (await visitor.seconds()) > 0 || undefined, { expected: 'a world that lives' })
    const foreign = visitor.urls.filter((one) => !one.startsWith(url) && !one.startsWith('data:'))
    expectThat(foreign.length === 0 && visitor.urls.length > 2, { expected: `requests below ${url} alone`, seen: visitor.urls })
    return `${visitor.urls.length} requests`
  })
  await server.close()
  await facts.holds('once loaded it needs no server and no network: another world begins when the server is gone', async () => {
    const asked = visitor.urls.length
    await visitor.page.click('#new-seed')
    await visitor.slide('pools', 50)
    await eventually(async () => (await visitor.text('minimum')) === '47 of 47' || undefined, {
      expected: '50 pools, 3 of them relays, with their minimum',
      seen: () => visitor.text('minimum')
    })
    expectThat(visitor.urls.length === asked, { expected: 'no request', seen: visitor.urls.slice(asked) })
    expectThat(visitor.problems.length === 0, { expected: 'nothing on the console', seen: visitor.problems })
    return undefined
  })
  await visitor.close()
}

async function checkSameRun({ facts, browser, url, shutdown }: PlaygroundCheck): Promise<void> {
  const visitor = await PlaygroundVisitor.open(browser, `${url}#pools=40&churn=20&liars=10&seed=5`)
  await visitor.setSpeed(0)
  await facts.holds('what a visitor does is in the address, and the command in the page gives the same figures in a terminal', async () => {
    await eventually(async () => (await visitor.seconds()) > 15 || undefined, { expected: '15 s of the world' })
    await visitor.page.click('[data-act="kill-relays"]')
    await eventually(async () => (await visitor.text('since')).startsWith('The relays were killed') || undefined, {
      expected: 'the page to say that the relays were killed',
      seen: () => visitor.text('since')
    })
    const run = await visitor.runTo((await visitor.seconds()) + 20)
    expectThat(/&acts=kill-relays@\d+$/.test(run.world), { expected: 'what was done in the address', seen: run.world })
    const figures = await simulate(run, shutdown.signal)
    expectThat(figures.differences.length === 0, { expected: 'the same figures', seen: figures.differences })
    return `${run.seconds} s, event log ${run.hash}`
  })
  await visitor.close()
}

async function checkPlan({ facts, browser, url }: PlaygroundCheck): Promise<void> {
  const visitor = await PlaygroundVisitor.open(browser, `${url}#pools=40&churn=0&acts=kill-half@120,split@140`)
  await facts.holds('a copied address says what it plans, and a press goes to the last break of it', async () => {
    const words = await eventually(async () => (await visitor.page.textContent('#planned')) || undefined, { expected: 'the plan' })
    await visitor.page.click('#go-to-break')
    const { seconds } = await visitor.runTo(141)
    expectThat(seconds < 170, { expected: 'a speed of 10 after the break', seen: seconds })
    return words
  })
  await facts.holds(
    'pools that outlived a break are split in two: no line crosses, and the page says why there are two parts',
    async () => {
      const [since, parts] = [await visitor.text('since'), await visitor.text('parts')]
      expectThat(parts === '2' && /^The network was split .* The split alone makes two parts/.test(since), {
        expected: 'two parts',
        seen: { since, parts }
      })
      return since
    }
  )
  await visitor.close()
}

async function checkAccess({ facts, browser, url }: PlaygroundCheck): Promise<void> {
  for (const [width, viewport] of Object.entries({ desktop, phone })) {
    const visitor = await PlaygroundVisitor.open(browser, `${url}#pools=60&liars=10&acts=kill-relays@5`, { viewport })
    await facts.holds(`axe finds nothing to object to at the width of a ${width}, light and dark`, async () => {
      await visitor.runTo(12)
      const rules = [await violationsOf(visitor.page, 'light'), await violationsOf(visitor.page, 'dark')]
      const { scrollWidth, clientWidth } = await visitor.page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement
        return { scrollWidth, clientWidth }
      })
      expectThat(scrollWidth <= clientWidth, { expected: 'no part wider than the window', seen: { scrollWidth, clientWidth } })
      return `${rules.join(' + ')} rules kept`
    })
    await facts.holds(`nor to the page that says what is wrong with its address, at the width of a ${width}`, async () => {
      await visitor.page.evaluate(() => location.assign('#pools=many'))
      const words = await eventually(async () => (await visitor.text('problem')) || undefined, {
        expected: 'the page to say what is wrong'
      })
      const rules = [await violationsOf(visitor.page, 'light'), await violationsOf(visitor.page, 'dark')]
      return `${rules.join(' + ')} rules kept; “${words}”`
    })
    await facts.holds(`its console stays empty, at the width of a ${width}`, async () => {
      expectThat(visitor.problems.length === 0, { expected: 'nothing on the console', seen: visitor.problems })
      return undefined
    })
    await visitor.close()
  }
}
