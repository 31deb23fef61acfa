/** Providers on real pools in one network in memory. */
import * as Y from 'yjs'
import { nodePool } from '../../../examples/shared-text/provider/node-pool.ts'
import { PoolProvider, type PoolProviderOptions } from '../../../examples/shared-text/provider/pool-provider.ts'
import { type Member, MemoryWorld } from '../../../src/testing/index.ts'

export const room = 'notes'

export interface Writer extends Member {
  readonly doc: Y.Doc
  readonly text: Y.Text
  readonly provider: PoolProvider
  /** What its events said. */
  readonly said: unknown[]
}

export class Writers {
  readonly world = new MemoryWorld({ seed: 7 })
  readonly #providers: PoolProvider[] = []

  /** Resolves with what pools complained about. */
  async stop(): Promise<string[]> {
    for (const { doc } of this.#providers) doc.destroy()
    await this.world.stop()
    return this.world.members.flatMap(({ complaints }) => complaints)
  }

  /** It is ended with the others. */
  own(provider: PoolProvider): PoolProvider {
    this.#providers.push(provider)
    return provider
  }

  provide(member: Member, options: PoolProviderOptions = {}, doc = new Y.Doc()): Writer {
    const provider = this.own(new PoolProvider(room, doc, nodePool(member.pool), options))
    const said: unknown[] = []
    provider.on('status', (state) => said.push(state))
    provider.on('synced', (state) => said.push(state))
    provider.on('refused', ({ reason }) => said.push(reason))
    return { ...member, doc, text: doc.getText('text'), provider, said }
  }

  async join(name: string, options?: PoolProviderOptions): Promise<Writer> {
    return this.provide(await this.world.start(name), options)
  }

  async connect(from: Member, to: Member): Promise<void> {
    await this.world.clock.until(from.pool.connect(to.network.point))
  }

  /** A second passes. */
  pass(): Promise<void> {
    return this.world.clock.advance(1_000)
  }
}

export function names({ provider }: Writer): unknown[] {
  return [...provider.awareness.getStates().values()].map(({ name }) => name).sort()
}
