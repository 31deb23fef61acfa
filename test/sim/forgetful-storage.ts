/** A storage that keeps nothing: for programs that never start again. Writing their tables as text is a fifth of the work of a large world. */
import type { PeerStorage } from '../../src/core/index.ts'

const done = Promise.resolve()

export const forgetfulStorage: PeerStorage = {
  name: 'nothing',
  open: () => done,
  load: () => Promise.resolve(undefined),
  save: () => done,
  quarantine: () => Promise.resolve('nowhere'),
  close: () => done
}
