/** The page of the playground: built by Vite into a folder, and served from there on this machine. */
import { fileURLToPath } from 'node:url'
import { build, type PreviewServer, preview } from 'vite'

const root = fileURLToPath(new URL('../../web/playground', import.meta.url))

/** Relative addresses, so that the folder may lie anywhere below a web host's root. A folder that is not ours keeps its other files. */
export async function buildPlayground(outDir: string, { isOurs }: { isOurs: boolean }): Promise<void> {
  await build({
    configFile: false,
    root,
    base: './',
    logLevel: 'error',
    // One file: a chunk that is loaded takes a turn of real time, which a world on a virtual clock must not see.
    worker: { format: 'es', rolldownOptions: { output: { codeSplitting: false } } },
    build: { target: 'es2023', outDir, emptyOutDir: isOurs, modulePreload: { polyfill: false } }
  })
}

/** Port 0 takes a free one. Rejects if the port is taken. */
export async function servePlayground(outDir: string, port: number): Promise<{ url: string; close(): Promise<void> }> {
  const server: PreviewServer = await preview({
    configFile: false,
    root,
    logLevel: 'error',
    build: { outDir },
    preview: { port, host: '127.0.0.1', strictPort: port !== 0 }
  })
  const [url] = server.resolvedUrls?.local ?? []
  if (url === undefined) throw new Error('the server of the page has no address')
  return { url, close: () => server.close() }
}
