/** Slips of whoever uses the pool: bad arguments, misspelled options, names of events that do not exist. */
import { createNodePeer, type NodePeer } from '../../../node/index.ts'
import { within } from '../../laboratory/lab.ts'
import { victimHost } from '../kit/hosts.ts'
import { findingOf, type Part, type Row } from '../kit/row.ts'
import { atHost } from '../kit/source-address.ts'
import { network, tcpPort } from '../kit/victim.ts'

/** An error that comes later than this did not come at once, ms. */
const atOnceMs = 250
const id = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const point = '/ip4/192.0.2.1/tcp/4001'
const bytes = new Uint8Array(1)
const nothing = (): void => undefined

/** Method, arguments, and the text by which the error shows what came. */
type Call = readonly [method: string, args: readonly unknown[], came: string]

const badArguments: readonly Call[] = [
  ['connect', ['198.51.100.1:4001'], '198.51.100.1:4001'],
  ['connect', [''], '""'],
  ['connect', [undefined], 'undefined'],
  ['connect', [42], '42'],
  ['connect', ['/ip4/300.1.1.1/tcp/1'], '300.1.1.1'],
  ['connect', ['/ip4/198.51.100.1/tcp/99999'], '99999'],
  ['connect', ['/nope/1'], '/nope/1'],
  ['connect', [point, { timeoutMs: -1 }], '-1'],
  ['connect', [point, { timeoutMs: '5' }], '"5"'],
  ['connect', [point, { signal: 'now' }], '"now"'],
  ['connect', [point, { expectedPeerId: 'nobody' }], 'nobody'],
  ['disconnect', ['nobody'], 'nobody'],
  ['broadcast', ['text'], 'text'],
  ['broadcast', [bytes, { except: 'nobody' }], 'nobody'],
  ['explain', ['nobody'], 'nobody'],
  ['registerPoint', ['example.org'], 'example.org'],
  ['unregisterPoint', ['example.org'], 'example.org'],
  ['registerPeer', ['nobody'], 'nobody'],
  ['setBand', [{ min: 9, expected: 1, max: 20 }], '1'],
  ['setBand', [undefined], 'undefined'],
  ['suspend', [{ keep: 'half' }], 'half'],
  ['peers.ban', ['nobody'], 'nobody'],
  ['peers.ban', [id, { endsAt: 'tomorrow' }], 'tomorrow'],
  ['peers.unban', [5], '5'],
  ['peers.trust', ['nobody'], 'nobody'],
  ['peers.untrust', [''], '""'],
  ['peers.report', [id, { kind: 'rude', reason: 'it was' }], 'rude'],
  ['peers.setMetadata', ['nobody', 1], 'nobody'],
  ['points.ban', ['example.org'], 'example.org'],
  ['points.banHost', ['not a host!'], 'not a host!'],
  ['points.banHost', [''], '""'],
  ['points.banHost', ['192.0.2.0/24'], '192.0.2.0/24'],
  ['points.banRange', ['192.0.2.1/99'], '192.0.2.1/99'],
  ['points.unbanRange', ['everybody'], 'everybody'],
  ['points.trust', ['example.org'], 'example.org'],
  ['points.untrust', ['example.org'], 'example.org'],
  ['points.isBanned', ['127.0.0.1'], '127.0.0.1'],
  ['addEventListener', ['change', 'listener'], 'listener']
]

const unknownEvents: readonly Call[] = [
  ['addEventListener', ['conection-established', nothing], 'conection-established'],
  ['removeEventListener', ['Change', nothing], 'Change'],
  ['addEventListener', ['', nothing], '""'],
  ['next', ['message'], 'message'],
  ['next', [undefined], 'undefined']
]

const misspelledOptions: readonly (readonly [options: object, came: string])[] = [
  [{ minConnection: 1 }, 'minConnection'],
  [{ maxConections: 9 }, 'maxConections'],
  [{ trustedPoint: [] }, 'trustedPoint'],
  [{ privatMode: true }, 'privatMode'],
  [{ discovry: false }, 'discovry'],
  [{ peerFile: 'peers.json' }, 'peerFile'],
  [{ identityFiel: 'identity' }, 'identityFiel'],
  [{ listens: [] }, 'listens'],
  [{ relays: true }, 'relays'],
  [{ plainPeer: 'admit' }, 'plainPeer'],
  [{ relay: { maxReservation: 1 } }, 'maxReservation'],
  [{ reconnection: { initialDelay: 1 } }, 'initialDelay']
]

/** What is wrong with the answer to a slip; undefined: nothing. */
async function faultOf(slip: () => unknown, came: string): Promise<string | undefined> {
  const thrown = await errorOf(slip)
  if (thrown === undefined) return 'accepted'
  if (!thrown.includes(came)) return `does not say what came: ${thrown}`
  return /expected|did you mean/.test(thrown) ? undefined : `does not say what was expected: ${thrown}`
}

async function errorOf(slip: () => unknown): Promise<string | undefined> {
  try {
    await within(atOnceMs, Promise.resolve(slip()), 'nothing happened')
    return undefined
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return text.startsWith('nothing happened') ? undefined : text
  }
}

async function partFor(label: string, slips: readonly (readonly [slip: () => unknown, came: string, shown: string])[]): Promise<Part> {
  let right = 0
  for (const [slip, came, shown] of slips) {
    const fault = await faultOf(slip, came)
    if (fault === undefined) right++
    else console.error(`${shown}: ${fault}`)
  }
  return { measured: `${right} of ${slips.length} ${label}`, isMet: right === slips.length }
}

const callOn =
  ({ pool }: NodePeer) =>
  ([method, args, came]: Call): readonly [() => unknown, string, string] => {
    const names = method.split('.')
    const target = names.slice(0, -1).reduce((object: object, name) => Reflect.get(object, name) as object, pool)
    const called = Reflect.get(target, names.at(-1) ?? '') as (...given: readonly unknown[]) => unknown
    return [
      () => Reflect.apply(called, target, args),
      came,
      `${method}(${args.map((arg) => JSON.stringify(arg) ?? String(arg)).join(', ')})`
    ]
  }

async function makeSlips() {
  process.on('unhandledRejection', (error) => console.error('unhandled', error))
  const base = { network, listen: [`/ip4/${victimHost}/tcp/${tcpPort}`], minConnections: 0, expectedConnections: 0 }
  return atHost(victimHost, async () => {
    const peer = await createNodePeer(base)
    const options = misspelledOptions.map(([given, came]) => {
      const slip = async (): Promise<void> => {
        const made = await createNodePeer({ ...base, listen: [], ...given })
        await made.stop()
      }
      return [slip, came, JSON.stringify(given)] as const
    })
    const parts = [
      await partFor('bad arguments', badArguments.map(callOn(peer))),
      await partFor('misspelled options', options),
      await partFor('unknown events', unknownEvents.map(callOn(peer)))
    ]
    return findingOf(...parts.map(({ measured, isMet }) => ({ measured: `${measured} answered well`, isMet })))
  })
}

export const argumentRows: readonly Row[] = [
  {
    name: 'arguments',
    attack: '38 bad arguments, 12 misspelled options, unknown events',
    target: 'each throws at once and names what was expected and what came',
    deadlineMs: 60_000,
    run: makeSlips
  }
]
