/** What the groups of facts of the playground's check have in common. */
import type { Browser } from 'playwright-core'
import type { Facts } from './demo-facts.ts'
import type { Shutdown } from './demo-shutdown.ts'

export interface PlaygroundCheck {
  readonly facts: Facts
  readonly browser: Browser
  readonly shutdown: Shutdown
  /** Of the built page, with its last slash. */
  readonly url: string
}
