/**
 * A page that came over https reaches `p2p-pool node` with a certificate of its own, and no proxy: in Chromium, there also by /webrtc-direct, and
 * in Firefox, which gets no answer by /webrtc-direct. Both have public names that stand for this machine, so the browser's and the pool's rules for public pages apply.
 */
import { writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chromiumFlags, findChromium } from '../../../node/cli/chromium.ts'
import { firefoxPath } from '../../../node/cli/firefox.ts'
import { Firefox } from '../../../node/cli/firefox-windows.ts'
import { newCertificate } from '../../support/new-certificate.ts'
import { bundlePage, servePage } from '../pages.ts'
import type { TestPage } from '../web-peer-page.ts'
import { endOf, type NodeProcess, startNode, type TemporaryFolder, temporaryFolder } from './running.ts'

declare const page: TestPage

const pageName = 'app.example.test'
const peerName = 'peer.example.test'

let folder: TemporaryFolder
/** The public keys that Chromium trusts. */
let trusted: readonly string[]
let server: Server
let running: NodeProcess

beforeAll(async () => {
  folder = await temporaryFolder()
  const certificate = await newCertificate({ names: [peerName] })
  const pageCertificate = await newCertificate({ names: [pageName] })
  const [key, cert] = [join(folder.path, 'key.pem'), join(folder.path, 'cert.pem')]
  const config = join(folder.path, 'config.json')
  await Promise.all([
    writeFile(key, certificate.pem.key, { mode: 0o600 }),
    writeFile(cert, certificate.pem.cert),
    writeFile(config, JSON.stringify({ webRtcDirect: true }))
  ])
  trusted = [certificate.spki, pageCertificate.spki]
  const options = ['--tls-key', key, '--tls-cert', cert, '--listen', '/ip4/127.0.0.1/tcp/0/ws', '--band', '0,5,10', '--config', config]
  ;[server, running] = await Promise.all([
    servePage(await bundlePage('web-peer-page.ts'), pageCertificate.pem),
    startNode(join(folder.path, 'data'), ...options)
  ])
}, 60_000)

afterAll(async () => {
  server?.closeAllConnections()
  server?.close()
  if (running !== undefined) await endOf(running.child, 'SIGTERM')
  await folder?.remove()
})

const url = (): string => `https://${pageName}:${(server.address() as AddressInfo).port}/`

/** What the command prints for a page to paste. */
function pageLine(): string {
  const [found] = running.started.pageLines.filter(({ line }) => line.includes('/tls/ws/'))
  expect(found).toMatchObject({ who: 'from everywhere' })
  const [, point] = /^trustedPoints: \['(\S+)'\]$/.exec(found?.line ?? '') ?? []
  expect(point).toMatch(new RegExp(`^/dns4/${peerName}/tcp/\\d+/tls/ws/p2p/${running.started.pool.peerId}$`))
  return point ?? ''
}

/** The same for /webrtc-direct. */
function directLine(): string {
  const [found] = running.started.pageLines.filter(({ line }) => line.includes('/webrtc-direct/'))
  expect(found).toMatchObject({ who: 'on this machine, with webRtcDirect (experimental)' })
  const [, point] = /^trustedPoints: \['(\S+)'\]$/.exec(found?.line ?? '') ?? []
  return point ?? ''
}

/** In the page. */
async function reach(network: string, point: string) {
  if (!isSecureContext || location.protocol !== 'https:') throw new Error(`the page came over ${location.protocol}`)
  await page.start({ network, trustedPoints: [point], minConnections: 0, expectedConnections: 1, maxConnections: 5 })
  // Plain text is no way out for it.
  const plain = await page.failureOf(point.replace('/tls/ws', '/ws'))
  for (const end = Date.now() + 20_000; page.connections().length === 0 && Date.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 50))
  const connections = page.connections()
  await page.stop()
  return { plain, connections }
}

/** In the page: the address is on this machine, which pages of public names do not dial by themselves. */
async function reachDirectly(network: string, point: string) {
  const settings = { trustedPoints: [point], allowPrivate: true, minConnections: 0, expectedConnections: 1, maxConnections: 5 }
  await page.start({ network, name: 'direct', ...settings }, true)
  for (const end = Date.now() + 20_000; page.connections().length === 0 && Date.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 50))
  const connections = page.connections()
  await page.stop()
  return connections
}

const expectedDirectly = (): object[] => [{ peerId: running.started.pool.peerId, transport: 'webrtc-direct', direction: 'outgoing' }]

const expected = (): object => ({
  plain: 'no-transport',
  connections: [{ peerId: running.started.pool.peerId, transport: 'wss', host: peerName, direction: 'outgoing' }]
})

test('in Chromium', async () => {
  const { path } = await findChromium()
  const flags = [`--host-resolver-rules=MAP *.example.test 127.0.0.1`, `--ignore-certificate-errors-spki-list=${trusted.join()}`]
  const browser = await chromium.launch({
    ...(path === undefined ? {} : { executablePath: path }),
    args: [...chromiumFlags, ...flags]
  })
  try {
    const tab = await browser.newPage()
    await tab.goto(url())
    // Functions of this file, as the page's own.
    const run = <Result>(made: (network: string, point: string) => Promise<Result>, point: string): Promise<Result> =>
      tab.evaluate(`(${made})('test', ${JSON.stringify(point)})`)
    expect(await run(reach, pageLine())).toMatchObject(expected())
    expect(await run(reachDirectly, directLine())).toMatchObject(expectedDirectly())
  } finally {
    await browser.close()
  }
}, 60_000)

test('in Firefox', async () => {
  const browser = await Firefox.launch(await firefoxPath(), { localNames: [pageName, peerName], acceptInsecureCerts: true })
  try {
    const tab = await browser.open(url())
    expect(await tab.evaluate(reach, 'test', pageLine())).toMatchObject(expected())
    expect(browser.complaints).toEqual([])
  } finally {
    await browser.close()
  }
}, 90_000)
