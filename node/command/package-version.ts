/** The version of this package, from its own package.json: the same from the sources and from the built package. */
import { createRequire } from 'node:module'

const manifest: unknown = createRequire(import.meta.url)('p2p-pool/package.json')

export const packageVersion = String(Reflect.get(Object(manifest), 'version'))
