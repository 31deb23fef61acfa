/** The implementations of libp2p that a pool must get on with. Each program is as its documentation makes it, with its defaults. */
import { cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPairFromSeed, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { cache, type Implementation, run, type Seat, strangers } from './program.ts'

const pyVersion = '0.8.1'
const kuboVersion = '0.42.0'
const goFlags = { GOFLAGS: '-buildvcs=false' }

const program = (...path: readonly string[]): string => join(cache, ...path)
const listening = /^listening /m

const js: Implementation = {
  name: 'js',
  title: 'js-libp2p 3.3 with Gossipsub 17.1',
  tool: process.execPath,
  build: async () => undefined,
  invoke: ({ seed, listen }) => ({ command: process.execPath, args: [join(strangers, 'stranger.ts'), seed, ...listen] }),
  ready: listening
}

const go: Implementation = {
  name: 'go',
  title: 'go-libp2p 0.52',
  tool: 'go',
  build: async () => {
    await run('go', ['build', '-o', program('go', 'stranger'), '.'], { cwd: join(strangers, 'go'), env: goFlags })
  },
  invoke: ({ seed, listen }) => ({ command: program('go', 'stranger'), args: [seed, ...listen] }),
  ready: listening
}

const rust: Implementation = {
  name: 'rust',
  title: 'rust-libp2p 0.57',
  tool: 'cargo',
  build: async () => {
    // Cargo writes beside the source.
    await cp(join(strangers, 'rust'), program('rust'), { recursive: true })
    await run('cargo', ['build'], { cwd: program('rust') })
  },
  invoke: ({ seed, listen }) => ({ command: program('rust', 'target', 'debug', 'stranger'), args: [seed, ...listen] }),
  ready: listening
}

const python: Implementation = {
  name: 'python',
  title: `py-libp2p ${pyVersion}`,
  tool: 'python3',
  build: async () => {
    await run('python3', ['-m', 'venv', program('python')])
    await run(program('python', 'bin', 'pip'), ['install', '--quiet', `libp2p==${pyVersion}`])
  },
  invoke: ({ seed, listen }) => ({ command: program('python', 'bin', 'python'), args: [join(strangers, 'stranger.py'), seed, ...listen] }),
  ready: listening
}

/** `go install` refuses it, since its module replaces others; so it is built from the module's own source. */
const kubo: Implementation = {
  name: 'kubo',
  title: `Kubo ${kuboVersion}`,
  tool: 'go',
  build: async () => {
    if ((await stat(kuboProgram).catch(() => undefined)) !== undefined) return
    const { Dir } = JSON.parse(await run('go', ['mod', 'download', '-json', `github.com/ipfs/kubo@v${kuboVersion}`])) as { Dir: string }
    const source = program('kubo', 'source')
    await rm(source, { recursive: true, force: true })
    await mkdir(program('kubo'), { recursive: true })
    await cp(Dir, source, { recursive: true, mode: 0 })
    await run('chmod', ['-R', 'u+w', source])
    await run('go', ['build', '-o', kuboProgram, './cmd/ipfs'], { cwd: source, env: goFlags })
  },
  prepare: prepareKubo,
  invoke: ({ folder }) => ({ command: kuboProgram, args: ['daemon'], env: kuboEnv(folder) }),
  ready: /Daemon is ready/
}
const kuboProgram = program('kubo', `ipfs-${kuboVersion}`)

/** Nothing that it does by itself leaves the machine. */
const kuboEnv = (folder: string): Record<string, string> => ({ IPFS_PATH: folder, IPFS_TELEMETRY: 'off' })

async function prepareKubo({ seed, listen, folder }: Seat): Promise<void> {
  await run(kuboProgram, ['init', '--profile=test', '--empty-repo'], { env: kuboEnv(folder) })
  const file = join(folder, 'config')
  const config = JSON.parse(await readFile(file, 'utf8')) as Record<string, Record<string, unknown>>
  const key = await generateKeyPairFromSeed('Ed25519', Buffer.from(seed, 'hex'))
  await writeFile(
    file,
    JSON.stringify({
      ...config,
      Identity: { PeerID: peerIdFromPrivateKey(key).toString(), PrivKey: Buffer.from(privateKeyToProtobuf(key)).toString('base64') },
      Addresses: { ...config.Addresses, Swarm: listen, API: '/ip4/127.0.0.1/tcp/0', Gateway: [] },
      Bootstrap: [],
      Routing: { Type: 'none' },
      AutoConf: { Enabled: false },
      AutoTLS: { Enabled: false },
      Swarm: { ...config.Swarm, DisableNatPortMap: true, RelayClient: { Enabled: false }, EnableHolePunching: false },
      Version: { SwarmCheckEnabled: false }
    })
  )
}

export const implementations: readonly Implementation[] = [js, go, kubo, rust, python]
