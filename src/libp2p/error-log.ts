/** libp2p's loggers as the core's `Log`. */
import type { ComponentLogger } from '@libp2p/interface'
import type { Log } from '../core/values/ports.ts'

/** Of that namespace; it writes at the level `error`. */
export function errorLog(logger: ComponentLogger, namespace: string): Log {
  const log = logger.forComponent(namespace)
  return { error: (message, cause) => log.error('%s - %e', message, cause) }
}
