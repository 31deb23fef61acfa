/** Every scenario that `npm run sim` knows. A new one is one file here and one line below. */
import type { Scenario } from '../scenario.ts'
import { bootstrap } from './bootstrap.ts'

export const scenarios: readonly Scenario[] = [bootstrap]
