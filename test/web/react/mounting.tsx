/** React in a real page, as the tests of the hooks need it. No `act`: React renders as it does for people. */
import { type ReactNode, StrictMode } from 'react'
import { flushSync } from 'react-dom'
import { createRoot, type Root } from 'react-dom/client'
import { onTestFinished } from 'vitest'

export interface Mounted {
  /** Has run the effects when it returns. */
  render(node: ReactNode): void
  unmount(): void
}

/** Renders into a place of its own in StrictMode, which mounts each component twice. It is gone when the test is over. */
export function mount(node: ReactNode): Mounted {
  const place = document.body.appendChild(document.createElement('div'))
  let root: Root | undefined = createRoot(place)
  const mounted = {
    render: (next: ReactNode) => flushSync(() => root?.render(<StrictMode>{next}</StrictMode>)),
    unmount: () => {
      root?.unmount()
      root = undefined
    }
  }
  mounted.render(node)
  onTestFinished(() => {
    mounted.unmount()
    place.remove()
  })
  return mounted
}

/** Polls until it is so; the test's own deadline ends it. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** React has rendered and run its effects, and timers of the same turn have fired. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 10))
}
