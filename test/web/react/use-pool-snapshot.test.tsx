/** `usePoolSnapshot` and `usePoolEvent`: how often a component renders, and what is left of it. Pools in memory, in a real page. */
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import type { PoolSnapshot } from '../../../src/core/index.ts'
import type { Member } from '../../../src/testing/index.ts'
import { MemoryWorld } from '../../../src/testing/index.ts'
import { createWebPeer } from '../../../web/index.ts'
import { type PoolSource, usePool, usePoolEvent, usePoolSnapshot } from '../../../web/react.ts'
import { mount, settled, until } from './mounting.tsx'

type Select<T> = (snapshot: PoolSnapshot | undefined) => T

/** A pool loads a part of itself when it starts, and a virtual clock does not wait for that. */
beforeAll(async () => {
  const isLoaded = (): Promise<boolean> =>
    new MemoryWorld().start('first').then(
      () => true,
      () => false
    )
  await until(isLoaded)
})

/** Two pools that are connected, and nothing else that happens. */
async function connected(): Promise<{ world: MemoryWorld; a: Member; b: Member }> {
  const world = new MemoryWorld()
  const [a, b] = [await world.start('a'), await world.start('b')]
  await world.clock.until(a.pool.connect(b.network.point))
  await world.clock.advance(10_000)
  onTestFinished(() => world.stop())
  return { world, a, b }
}

/** Of each render in turn. In StrictMode a render is called twice; only what was shown counts. */
class Renders<T> {
  readonly shown: T[] = []
  readonly Reader = ({ pool, select }: { pool: PoolSource | undefined; select: Select<T> }) => {
    const value = usePoolSnapshot(pool, select)
    return <Shown value={value} note={(shown) => this.shown.push(shown)} />
  }
}

function Shown<T>({ value, note }: { value: T; note: (value: T) => void }) {
  const ref = (element: HTMLElement | null): void => {
    if (element !== null) note(value)
  }
  return <output ref={ref}>{JSON.stringify(value)}</output>
}

it('a pool that is quiet renders nothing, though bytes are counted', async () => {
  const { world, a } = await connected()
  const renders = new Renders<number | undefined>()
  let calls = 0
  mount(
    <renders.Reader
      pool={a.pool}
      select={(snapshot) => {
        calls++
        return snapshot?.version
      }}
    />
  )
  await settled()
  const before = [renders.shown.length, calls]
  const counted = a.pool.snapshot()
  const connection = a.pool.connections.list()[0]
  for (let i = 0; i < 10; i++) await connection?.send(new Uint8Array(100))
  await world.clock.advance(5_000)
  await settled()
  expect(a.pool.snapshot()).not.toBe(counted)
  expect([renders.shown.length, calls]).toEqual(before)
})

it('a selection renders when it is another value, and not for other changes', async () => {
  const { world, a } = await connected()
  const renders = new Renders<number | undefined>()
  mount(<renders.Reader pool={a.pool} select={(snapshot) => snapshot?.connections.length} />)
  await settled()
  const before = renders.shown.length
  for (let i = 1; i <= 5; i++) {
    a.pool.registerPoint(a.pool.parsePoint(`/ip4/10.9.9.${i}/tcp/4001`).point)
    await world.clock.advance(100)
    await settled()
  }
  expect(renders.shown.length).toBe(before)
  const c = await world.start('c')
  await world.clock.until(a.pool.connect(c.network.point))
  await world.clock.advance(100)
  await settled()
  expect(renders.shown.slice(before)).toEqual([2])
})

it('five changes of a turn are one render', async () => {
  const { world, a } = await connected()
  const renders = new Renders<number | undefined>()
  mount(<renders.Reader pool={a.pool} select={(snapshot) => snapshot?.points.length} />)
  await settled()
  const before = renders.shown.length
  for (let i = 1; i <= 5; i++) a.pool.registerPoint(a.pool.parsePoint(`/ip4/10.9.9.${i}/tcp/4001`).point)
  await world.clock.advance(0)
  await settled()
  expect(renders.shown.slice(before)).toEqual([6])
})

it('a selection that is a new object each time does not render for ever', async () => {
  const { a } = await connected()
  const renders = new Renders<readonly string[]>()
  const mounted = mount(<renders.Reader pool={a.pool} select={(snapshot) => snapshot?.connections.map(({ peerId }) => peerId) ?? []} />)
  await settled()
  mounted.render(<renders.Reader pool={a.pool} select={(snapshot) => snapshot?.connections.map(({ peerId }) => peerId) ?? []} />)
  await settled()
  expect(renders.shown.length).toBeLessThan(6)
  expect(renders.shown.at(-1)).toEqual(['b'])
})

it('components that show the same are never apart', async () => {
  const { world, a } = await connected()
  const apart: unknown[] = []
  let renders = 0
  function Part({ seen }: { seen: (version: number | undefined) => void }) {
    seen(usePoolSnapshot(a.pool)?.version)
    return null
  }
  function Whole() {
    const versions: (number | undefined)[] = []
    const own = usePoolSnapshot(a.pool)?.version
    return (
      <>
        {[1, 2, 3].map((n) => (
          <Part key={n} seen={(version) => versions.push(version)} />
        ))}
        <End
          look={() => {
            renders++
            if (versions.some((version) => version !== own)) apart.push([own, versions])
          }}
        />
      </>
    )
  }
  function End({ look }: { look: () => void }) {
    look()
    return null
  }
  mount(<Whole />)
  for (let i = 1; i <= 20; i++) {
    a.pool.registerPoint(a.pool.parsePoint(`/ip4/10.9.9.${i}/tcp/4001`).point)
    await world.clock.advance(1)
  }
  await settled()
  expect(renders).toBeGreaterThan(2)
  expect(apart).toEqual([])
})

it('no subscription is left when the component unmounts or reads another pool', async () => {
  const { a, b } = await connected()
  const open = new Map([a, b].map(({ pool }) => [pool, 0]))
  const counted = ({ pool }: Member): PoolSource => ({
    getSnapshot: pool.getSnapshot,
    subscribe: (listener) => {
      open.set(pool, (open.get(pool) ?? 0) + 1)
      const end = pool.subscribe(listener)
      return () => {
        open.set(pool, (open.get(pool) ?? 0) - 1)
        end()
      }
    }
  })
  const [ofA, ofB] = [counted(a), counted(b)]
  function Reader({ pool }: { pool: PoolSource }) {
    return usePoolSnapshot(pool)?.peerId
  }
  const mounted = mount(<Reader pool={ofA} />)
  expect([...open.values()]).toEqual([1, 0])
  mounted.render(<Reader pool={ofB} />)
  expect([...open.values()]).toEqual([0, 1])
  mounted.unmount()
  expect([...open.values()]).toEqual([0, 0])
})

it('usePoolEvent calls the listener of the last render, once, and none after the component has gone', async () => {
  const pool = await createWebPeer({ network: 'react-test', name: 'react-events' })
  onTestFinished(() => pool.stop())
  const heard: string[] = []
  function Listener({ name }: { name: string }) {
    usePoolEvent(pool, 'band-changed', ({ detail }) => heard.push(`${name} ${detail.band.max}`))
    return null
  }
  const setBand = async (max: number): Promise<void> => {
    await pool.setBand({ min: 0, expected: 0, max })
    await settled()
  }
  const mounted = mount(<Listener name="first" />)
  await setBand(4)
  mounted.render(<Listener name="second" />)
  await setBand(5)
  mounted.unmount()
  await setBand(6)
  expect(heard).toEqual(['first 4', 'second 5'])
})

it('what a server rendered is taken over by the page, which then shows the pool', async () => {
  const { a } = await connected()
  function Page() {
    const { pool } = usePool(undefined)
    const active = usePoolSnapshot(a.pool, (snapshot) => snapshot?.active)
    return <p>{pool === undefined && active === undefined ? 'starting' : `${active} connected`}</p>
  }
  const place = document.body.appendChild(document.createElement('div'))
  place.innerHTML = renderToString(<Page />)
  expect(place.textContent).toBe('starting')
  const faults: unknown[] = []
  const root = hydrateRoot(place, <Page />, { onRecoverableError: (error) => faults.push(error) })
  onTestFinished(() => {
    root.unmount()
    place.remove()
  })
  await settled()
  expect(place.textContent).toBe('1 connected')
  expect(faults).toEqual([])
})
