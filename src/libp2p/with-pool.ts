/** `withPool`: the pool in a libp2p node of the user's own. Its settings and its gater come with it. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { ConnectionGater, ServiceMap } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import { PoolError } from '../core/values/reason.ts'
import { boundedMuxer } from './bounded-muxer.ts'
import { inPage } from './dial-rule.ts'
import type { NoServices, WithPool } from './libp2p-parts.ts'
import { libp2pSettings } from './preset.ts'
import { type PeerPoolInit, type PeerPoolService, peerPool } from './service.ts'
import { yieldingMuxer } from './yielding-muxer.ts'

/**
 * Options for `createLibp2p` with a pool, which is `node.services.pool`. `pool` is the options of `peerPool`, or what it returned.
 *
 * Yours are kept. `connectionManager` and `connectionMonitor` win over `libp2pSettings`, field by field. A connection that your gater or the
 * pool's denies is denied; yours is asked first. Each muxer is bounded (`boundedMuxer`). Noise and yamux are added where you give no encryption
 * or no muxer. Nothing else is added: `identify` is yours to give.
 *
 * Throws `PoolError` `invalid-config` for options of the pool that make no sense, and if there is a service `pool` already.
 */
export function withPool<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array, Services extends ServiceMap = NoServices>(
  options: Libp2pOptions<Services>,
  pool: PeerPoolInit<Msg, PeerMeta, ConnMeta> | PeerPoolService<Msg, PeerMeta, ConnMeta>
): Libp2pOptions<WithPool<Services, Msg, PeerMeta, ConnMeta>> {
  if (options.services !== undefined && 'pool' in options.services)
    throw new PoolError('invalid-config', 'withPool: services.pool is there already')
  const service = typeof pool === 'function' ? pool : peerPool(pool)
  const settings = libp2pSettings(service.config)
  const { connectionGater, streamMuxers = [yamux(settings.yamux)] } = options
  return {
    connectionEncrypters: [noise()],
    ...options,
    connectionGater: connectionGater === undefined ? service.gater : bothGaters(connectionGater, service.gater),
    connectionManager: { ...settings.connectionManager, ...options.connectionManager },
    connectionMonitor: { ...settings.connectionMonitor, ...options.connectionMonitor },
    streamMuxers: streamMuxers.map((make) => (inPage() ? boundedMuxer(make) : yieldingMuxer(boundedMuxer(make)))),
    services: { ...options.services, pool: service }
  } as Libp2pOptions<WithPool<Services, Msg, PeerMeta, ConnMeta>>
}

type Deny = (...args: readonly unknown[]) => boolean | Promise<boolean>

/** The user's hooks first: a connection that they deny takes no slot of the pool. */
function bothGaters(theirs: ConnectionGater, ours: ConnectionGater): ConnectionGater {
  const hooks = Object.entries(ours as Readonly<Record<string, Deny>>).map(([name, denies]): [string, Deny] => {
    const first: unknown = Reflect.get(theirs, name)
    if (typeof first !== 'function') return [name, denies]
    return [name, async (...args) => (await Reflect.apply(first, theirs, args)) === true || (await denies(...args))]
  })
  return { ...theirs, ...Object.fromEntries(hooks) }
}
