/**
 * `p2p-pool/react` where there is no page: a component renders as one whose pool starts. It leads to no libp2p and no WebRTC, as
 * `server.ts` does for `p2p-pool/web`. package.json chooses it by the condition `node`.
 */
'use client'

import type * as page from './react.ts'
import { useOpened } from './react-hooks.ts'

export { usePoolEvent, usePoolSnapshot } from './react-hooks.ts'

const load = (): Promise<typeof import('./server.ts')> => import('./server.ts')

/** As in a page; a pool that is opened all the same, as in a test with a document, fails with `no-page`. */
export const usePool: typeof page.usePool = (init) => useOpened(init, load)
