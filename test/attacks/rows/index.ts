/** All rows of the laboratory, in the order of the table. */
import type { Row } from '../kit/row.ts'
import { argumentRows } from './arguments.ts'
import { collaboratorRows } from './collaborators.ts'
import { connectionRows } from './connections.ts'
import { freshIdRows } from './fresh-ids.ts'
import { heliaRows } from './helia.ts'
import { memoryRows } from './memory.ts'
import { messageRows } from './messages.ts'
import { nameRows } from './names.ts'
import { proxyRows } from './proxies.ts'
import { relayRows } from './relay.ts'
import { slotRows } from './slots.ts'
import { spellingRows } from './spellings.ts'
import { virtualRows } from './virtual.ts'

export const rows: readonly Row[] = [
  ...connectionRows,
  ...relayRows,
  ...slotRows,
  ...messageRows,
  ...memoryRows,
  ...freshIdRows,
  ...virtualRows,
  ...spellingRows,
  ...proxyRows,
  ...nameRows,
  ...collaboratorRows,
  ...argumentRows,
  ...heliaRows
]
