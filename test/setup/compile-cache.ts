/** Setup file: Vitest ends a worker by a signal, which does not write what Node has compiled; see `env` in vite.config.ts. */
import { flushCompileCache } from 'node:module'
import { afterAll } from 'vitest'

afterAll(() => flushCompileCache())
