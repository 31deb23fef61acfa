/**
 * What the check asks of a browser with real tabs, which hide each other: Playwright keeps all pages visible. Chromium and Firefox of it
 * are in chromium-windows.ts and firefox-windows.ts.
 */

export interface HidingTab {
  /** Runs a function in the page, on arguments that are JSON; resolves with what it returns or resolves with, as JSON. */
  evaluate<Args extends readonly unknown[], Result>(run: (...args: Args) => Result, ...args: Args): Promise<Awaited<Result>>
  /** Another page of the same visitor, in a tab before this one. */
  openBeside(url: string): Promise<HidingTab>
  /** Another tab of the window comes before it. */
  hide(): Promise<void>
  show(): Promise<void>
  /** To another page, as by a link. */
  leaveFor(url: string): Promise<void>
  /** By the back button. */
  goBack(): Promise<void>
  reload(): Promise<void>
  /** Tells the page that it is offline, or online again, and fails its new connections meanwhile. */
  setOffline(offline: boolean): Promise<void>
  /** Freezes a hidden page, until `thaw`. Absent where the browser has no such command. */
  freeze?(): Promise<void>
  thaw?(): Promise<void>
  /** Closes all pages of this visitor. */
  leave(): Promise<void>
}

export interface HidingBrowser {
  /** A page of a new visitor, with storage of its own, in front. */
  open(url: string): Promise<HidingTab>
  /** What pages threw and nobody caught. */
  readonly complaints: readonly string[]
  /** Errors and warnings on the consoles of pages, of the browser itself too. */
  readonly consoleErrors: readonly string[]
  close(): Promise<void>
}
