/** Packages that one option needs and others do without: loaded when the option is set. Used by `createNodePeer`. */
import { messageOf, PoolError } from '../src/core/values/reason.ts'
import { codeOf } from './system-error.ts'

/** What `load` imports. Rejects with `PoolError` `invalid-config` that names the command for a package that is missing. */
export async function optionalPackage<Module>(option: string, packages: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new PoolError(
      'invalid-config',
      `${option} needs a package that is not installed (${messageOf(error)}); run: npm install ${packages}`,
      {
        cause: error
      }
    )
  }
}
