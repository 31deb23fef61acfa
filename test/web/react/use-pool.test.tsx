/** `usePool` with real pools: what runs, what is stopped, who holds the lock. */
import { describe, expect, it } from 'vitest'
import { memoryStorage, type PeerStorage, type SharedPool, type WebPeerInit } from '../../../web/index.ts'
import { type OpenedPool, usePool } from '../../../web/react.ts'
import { mount, settled, until } from './mounting.tsx'

let names = 0

/** Options of a pool with a name of its own, and what became of the pools that were opened with them. */
class Watched {
  readonly name = `react-${names++}`
  /** Pools that began to run in this page. */
  began = 0
  /** Of these, how many run no more. */
  ended = 0
  /** What components were given, in order. */
  readonly given: OpenedPool[] = []
  init: WebPeerInit = {
    network: 'react-test',
    name: this.name,
    onOwner: (_, over) => {
      this.began++
      over.addEventListener('abort', () => this.ended++)
    }
  }

  get last(): OpenedPool | undefined {
    return this.given.at(-1)
  }

  get pool(): SharedPool | undefined {
    return this.last?.pool
  }

  /** Locks that are held, and those that are waited for. */
  async locks(): Promise<{ held: number; waiting: number }> {
    const { held = [], pending = [] } = await navigator.locks.query()
    const ours = (locks: LockInfo[]): number => locks.filter(({ name }) => name === `p2p-pool:${this.name}:owner`).length
    return { held: ours(held), waiting: ours(pending) }
  }

  /** Nothing of it is left in the page. */
  isGone = async (): Promise<boolean> => {
    const { held, waiting } = await this.locks()
    return this.ended === this.began && held + waiting === 0
  }
}

/** A pool with it starts once `goOn` was called, and not before: how fast the machine is decides nothing. */
function storageThatWaits(): { storage: PeerStorage; goOn: () => void } {
  const storage = memoryStorage()
  const { promise: opening, resolve: goOn } = Promise.withResolvers<void>()
  const { open } = storage
  storage.open = async (signal) => {
    await opening
    await open.call(storage, signal)
  }
  return { storage, goOn }
}

function Page({ watched, init = watched.init }: { watched: Watched; init?: WebPeerInit | undefined }) {
  const opened = usePool(init)
  if (watched.last !== opened) watched.given.push(opened)
  return opened.pool?.role
}

describe('usePool in StrictMode', () => {
  it('opens one pool, holds one lock, and stops it when the component unmounts', async () => {
    const watched = new Watched()
    const mounted = mount(<Page watched={watched} />)
    await until(() => watched.pool !== undefined)
    await settled()
    expect(watched.began).toBe(1)
    expect(await watched.locks()).toEqual({ held: 1, waiting: 0 })
    expect(watched.given.map(({ pool, error }) => [pool?.role, error])).toEqual([
      [undefined, undefined],
      ['owner', undefined]
    ])
    mounted.unmount()
    await until(watched.isGone)
    expect([watched.began, watched.ended]).toEqual([1, 1])
    expect(watched.pool?.hasOwner).toBe(false)
  })

  it('leaves nothing of a component that unmounts while its pool starts, and gives it nothing', async () => {
    const watched = new Watched()
    const { storage, goOn } = storageThatWaits()
    const mounted = mount(<Page watched={watched} init={{ ...watched.init, storage }} />)
    await until(async () => (await watched.locks()).held === 1)
    expect(watched.pool).toBeUndefined()
    mounted.unmount()
    goOn()
    await until(async () => watched.ended === 1 && (await watched.isGone()))
    expect([watched.began, watched.pool]).toEqual([1, undefined])
  })

  it('keeps the pool that starts for a component that comes back in the meantime', async () => {
    const watched = new Watched()
    const { storage, goOn } = storageThatWaits()
    const init = { ...watched.init, storage }
    const mounted = mount(<Page watched={watched} init={init} />)
    await until(async () => (await watched.locks()).held === 1)
    mounted.render(null)
    // By then a pool that runs would be stopped.
    await settled()
    mounted.render(<Page watched={watched} init={init} />)
    await settled()
    goOn()
    await until(() => watched.pool !== undefined)
    await settled()
    expect([watched.began, watched.ended]).toEqual([1, 0])
  })

  it('opens another one after it was stopped', async () => {
    const watched = new Watched()
    const mounted = mount(<Page watched={watched} />)
    await until(() => watched.pool !== undefined)
    const first = watched.pool
    mounted.render(null)
    await until(watched.isGone)
    mounted.render(<Page watched={watched} />)
    await until(() => watched.began === 2 && watched.pool !== undefined && watched.pool !== first)
    expect(await watched.locks()).toEqual({ held: 1, waiting: 0 })
    expect(watched.pool?.getSnapshot()?.peerId).toBe(first?.getSnapshot()?.peerId)
  })

  it.each([
    ['of a component that stays', ''],
    ['of a component that takes the place of another', 'new']
  ])('changed options %s: the old pool has stopped before the new one starts', async (_, newKey) => {
    const watched = new Watched()
    const mounted = mount(<Page key="old" watched={watched} />)
    await until(() => watched.pool !== undefined)
    const [first, before] = [watched.pool, watched.given.length]
    let endedAtStart: number | undefined
    const onOwner: WebPeerInit['onOwner'] = (...of) => {
      endedAtStart = watched.ended
      watched.init.onOwner?.(...of)
    }
    mounted.render(<Page key={newKey || 'old'} watched={watched} init={{ ...watched.init, network: 'another', onOwner }} />)
    await until(() => watched.pool !== undefined && watched.pool !== first)
    expect([watched.began, endedAtStart]).toEqual([2, 1])
    expect(watched.given[before]?.pool).toBeUndefined()
    expect(watched.pool?.getSnapshot()?.network).toBe('another')
    expect(await watched.locks()).toEqual({ held: 1, waiting: 0 })
  })

  it('options that change while the first pool starts: the next one waits until that has stopped, and is no second tab to it', async () => {
    const watched = new Watched()
    const storage = memoryStorage()
    const { promise: opening, resolve: goOn } = Promise.withResolvers<void>()
    const { open } = storage
    storage.open = async (signal) => {
      await opening
      await open.call(storage, signal)
    }
    const mounted = mount(<Page watched={watched} init={{ ...watched.init, storage }} />)
    await until(async () => (await watched.locks()).held === 1)
    mounted.render(<Page watched={watched} init={{ ...watched.init, network: 'another' }} />)
    setTimeout(goOn, 300)
    await until(() => watched.pool !== undefined || watched.last?.error !== undefined)
    expect([watched.last?.error, watched.pool?.getSnapshot()?.network]).toEqual([undefined, 'another'])
    expect([watched.began, watched.ended, watched.pool?.role]).toEqual([2, 1, 'owner'])
  })

  it('keeps the pool while options that are functions are new ones, and data is equal', async () => {
    const watched = new Watched()
    watched.init = { ...watched.init, trustedPoints: [] }
    const mounted = mount(<Page watched={watched} />)
    await until(() => watched.pool !== undefined)
    for (let i = 0; i < 3; i++)
      mounted.render(<Page watched={watched} init={{ ...watched.init, trustedPoints: [], onOwner: () => undefined }} />)
    await settled()
    expect([watched.began, watched.ended, watched.given.length]).toEqual([1, 0, 2])
  })

  it('gives two components with equal options one pool, until the last one has gone', async () => {
    const [one, other] = [new Watched(), new Watched()]
    const init = { network: 'react-test', name: one.name }
    const mounted = mount([<Page key="1" watched={one} init={{ ...init }} />, <Page key="2" watched={other} init={{ ...init }} />])
    await until(() => one.pool !== undefined && other.pool !== undefined)
    expect(one.pool).toBe(other.pool)
    mounted.render([<Page key="2" watched={other} init={{ ...init }} />])
    await settled()
    expect(other.pool?.getSnapshot()?.status).toBe('running')
    mounted.render(null)
    await until(one.isGone)
  })

  it('opens nothing for undefined, and begins when there are options', async () => {
    const watched = new Watched()
    function Later({ init }: { init: WebPeerInit | undefined }) {
      const opened = usePool(init)
      watched.given.push(opened)
      return null
    }
    const mounted = mount(<Later init={undefined} />)
    await settled()
    expect(await watched.isGone()).toBe(true)
    mounted.render(<Later init={watched.init} />)
    await until(() => watched.pool !== undefined)
    mounted.render(<Later init={undefined} />)
    await until(watched.isGone)
    expect(watched.pool).toBeUndefined()
  })
})

describe('a pool that does not start', () => {
  it('is an error that says why, and retry opens it', async () => {
    const watched = new Watched()
    let failures = 0
    const services = {
      mine: () => {
        if (failures < 1) throw new Error(`failure ${++failures}`)
        return {}
      }
    }
    const init = { ...watched.init, services }
    mount(<Page watched={watched} init={init} />)
    await until(() => watched.last?.error !== undefined)
    const failed = watched.last
    expect([failed?.error?.message, failed?.pool]).toEqual(['failure 1', undefined])
    expect(await watched.isGone()).toBe(true)
    failed?.retry()
    failed?.retry()
    await until(() => watched.pool !== undefined)
    expect([watched.began, watched.last?.error]).toEqual([1, undefined])
    failed?.retry()
    await settled()
    expect(watched.began).toBe(1)
  })

  it('is an error for options that make no sense, and the next ones are taken', async () => {
    const watched = new Watched()
    const mounted = mount(<Page watched={watched} init={{ ...watched.init, minConnections: -1 }} />)
    await until(() => watched.last?.error !== undefined)
    expect(watched.last?.error).toMatchObject({ code: 'invalid-config' })
    mounted.render(<Page watched={watched} />)
    await until(() => watched.pool !== undefined)
    expect(watched.last?.error).toBeUndefined()
  })
})
