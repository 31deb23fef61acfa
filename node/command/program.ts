/**
 * The command line: what each word means, and how the process ends. A verb is declared once, in the file it belongs to; help, `--json` and errors are the
 * same for all. Run by `p2p-pool.ts`.
 */
import { Command, CommanderError } from 'commander'
import { codeOf } from '../system-error.ts'
import { CommandError, plainError } from './command-error.ts'
import { type ExitStatus, exitStatus, statusOf } from './exit-status.ts'
import { addLookingVerbs } from './looking-verbs.ts'
import { type NodeOptions, readNodeSettings } from './node-settings.ts'
import { packageVersion } from './package-version.ts'
import { addRecordingVerb, addReplayVerb } from './replay-verb.ts'
import { pageLines, startedText } from './status-text.ts'
import { addSteeringVerbs } from './steering-verbs.ts'
import { indented, steady } from './text-output.ts'
import { type Ends, jsonOf, type Surroundings, verbsOf } from './verb-command.ts'

const epilogue = `
TARGET is a peer id, a multiaddr, a host, or a range such as 192.0.2.0/24, as the verb says.

Exit status: 0 done, 1 the peer refused or could not, 2 no peer runs on the data folder, 3 another peer holds the data folder,
4 no answer in time or too many programs connected, 64 the command line or a setting makes no sense.

"p2p-pool VERB --help" tells the options of a verb.`

/** Runs one command line; never rejects. Writes to `out` alone. */
export async function runCommandLine(args: readonly string[], surroundings: Surroundings): Promise<ExitStatus> {
  const out = steady(surroundings.out)
  const steadily = { ...surroundings, out }
  const json = args.includes('--json')
  let status: ExitStatus = exitStatus.done
  const program = new Command('p2p-pool')
    .description('Runs a Node peer of a p2p-pool network, shows it and steers it.')
    .version(packageVersion, '-V, --version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => void (json || out.complain(text)) })
    .addHelpText('after', epilogue)
  const ends: Ends = (to) => {
    status = to
  }
  addNodeVerb(program, steadily, ends)
  const verbs = verbsOf(program, steadily, ends)
  addLookingVerbs(verbs)
  addSteeringVerbs(verbs)
  addRecordingVerb(verbs)
  addReplayVerb(program, steadily, ends)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return status
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitStatus.done
    const isUsage = error instanceof CommanderError
    const plain = isUsage ? { code: 'usage', message: error.message } : plainError(error)
    if (json) out.write(`${jsonOf({ error: plain })}\n`)
    else if (!isUsage) out.complain(`p2p-pool: ${indented(plain.message)}\n`)
    return statusOf(plain.code)
  }
}

const several = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]

function addNodeVerb(program: Command, { out, untilEnded }: Surroundings, ends: Ends): void {
  program
    .command('node')
    .description('run a Node peer until Ctrl-C')
    .option('--network <name>', 'the network; pages and peers name the same')
    .option('--relay', 'be the relay through which pages reach each other')
    .option('--nat', 'behind a router: ask it for a port, and have other peers check the public address')
    .option('--mdns', 'find peers in the local network')
    .option('--webrtc', 'dial pages over WebRTC, by way of their relays')
    .option('--listen <multiaddr>', 'repeatable (default: TCP at port 4001 and WebSockets at port 4002, IPv4 and IPv6)', several)
    .option('--announce <multiaddr>', 'what is advertised instead, behind a proxy or a mapped port; repeatable', several)
    .option('--tls-key <file>', 'the private key (PEM); with --tls-cert, pages that came over https reach it')
    .option('--tls-cert <file>', 'the certificate and its chain (PEM); its names are advertised, changed files are used without a restart')
    .option('--peer <multiaddr>', 'a peer to begin with; trusted; repeatable', several)
    .option('--band <min,expected,max>', 'connections to keep (default: 10,50,100)')
    .option('--http <[host:]port>', 'serve /health, /ready and /metrics there; the host is the loopback unless named (default: off)')
    .option('--control <[host:]port>', 'listen for the other verbs over TCP, too, on the loopback; they show a token (default: off)')
    .option('--record', 'keep what happens, for save-recording and replay; message bodies as hashes alone')
    .option('--data <folder>', 'identity, peers and control socket (default: $P2P_POOL_DATA or ~/.p2p-pool)')
    .option('--config <file>', 'JSON with options of createNodePeer, data, http and control; options given here win')
    .option('--json', 'say in JSON what runs')
    .action(async ({ json = false, ...options }: NodeOptions & { readonly json?: boolean }) => {
      const settings = await readNodeSettings(options)
      const { runNode } = await import('./run-node.ts').catch((error: unknown) => {
        throw missingPackage(error)
      })
      const started = await runNode(settings, {
        signal: untilEnded(),
        complain: (text) => out.complain(text),
        started: (status) =>
          out.write(json ? `${jsonOf({ ...status, pageLines: pageLines(status.addresses) })}\n` : startedText(status, out))
      })
      ends(started)
    })
}

function missingPackage(error: unknown): unknown {
  if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') return error
  return new CommandError(
    'failed',
    `a package is missing; run: npm install libp2p (${error instanceof Error ? error.message : String(error)})`,
    error
  )
}
