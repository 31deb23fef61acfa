/** The page: opens the pool, and shows that it starts, runs, or did not start. */
import { usePool, usePoolSnapshot } from 'p2p-pool/react'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { Chat } from './chat.tsx'
import { type ChatPool, codec, maxMessageBytes } from './message.ts'
import { Peers } from './peers.tsx'
import { loadSettings, type Settings } from './settings.ts'

export function App() {
  const { settings, failure, reload } = useSettings()
  // No pool is opened until there are settings.
  const { pool, error, retry } = usePool(settings && { ...settings, name: 'react-page', messageCodec: codec, maxMessageBytes })
  const reason = failure ?? error
  return (
    <>
      <header>
        <h1>Peers in React</h1>
        {pool !== undefined && <Status pool={pool} />}
      </header>
      {reason !== undefined ? (
        <main>
          <div className="failure" role="alert">
            <p>{reason.message}</p>
            <button type="button" onClick={error === undefined ? reload : retry}>
              Try again
            </button>
          </div>
        </main>
      ) : pool === undefined ? (
        <main>
          <p className="quiet" role="status">
            Starting…
          </p>
        </main>
      ) : (
        <main className="open">
          <Chat pool={pool} />
          <Peers pool={pool} />
        </main>
      )}
    </>
  )
}

/** Renders when the number of connections or the role of this tab changes, and at no other time. */
function Status({ pool }: { pool: ChatPool }) {
  const active = usePoolSnapshot(pool, (snapshot) => snapshot?.active ?? 0)
  const role = useSyncExternalStore(pool.subscribe, () => pool.role)
  return (
    <p className="status" role="status">
      <span className="dot" data-good={active > 0} aria-hidden="true" />
      {active === 0 ? 'Looking for peers' : active === 1 ? 'Connected to 1 peer' : `Connected to ${active} peers`}
      {role === 'follower' && <span className="quiet">, through another tab</span>}
    </p>
  )
}

function useSettings(): { settings: Settings | undefined; failure: Error | undefined; reload: () => void } {
  const [attempt, setAttempt] = useState(0)
  const [loaded, setLoaded] = useState<{ settings?: Settings; failure?: Error }>({})
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt loads again
  useEffect(() => {
    let isWanted = true
    const set = (next: typeof loaded): void => {
      if (isWanted) setLoaded(next)
    }
    loadSettings().then(
      (settings) => set({ settings }),
      (failure: Error) => set({ failure })
    )
    return () => {
      isWanted = false
    }
  }, [attempt])
  const { settings, failure } = loaded
  return {
    settings,
    failure,
    reload: () => {
      setLoaded({})
      setAttempt(attempt + 1)
    }
  }
}
