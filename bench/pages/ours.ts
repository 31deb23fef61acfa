/** The page with a pool. It begins by itself, as a page does; `BenchPage` shows what became of it. */
import { createTabPeer } from '../../web/index.ts'
import { pageInit, show } from './bench-page.ts'

const { relay, others } = pageInit()
const { pool } = await createTabPeer({
  network: 'bench',
  trustedPoints: [relay],
  allowPrivatePoints: true,
  // There are no other pages here, and looking for them is not what is measured.
  minByKind: null
})
if (pool.activeConnections === 0) await pool.next('connection-opened')
show({ firstMs: performance.now(), connections: () => pool.activeConnections })
for (const text of others) {
  const { point, expectedPeerId } = pool.parsePoint(text)
  pool.registerPoint(point, { expectedPeerId })
}
