/** Packages that one option needs and others do without: loaded when the option is set. Used by `createNodePeer`. */
import { messageOf, PoolError } from '../src/core/values/reason.ts'
import { codeOf } from './system-error.ts'

/** All of them, with what each exports. */
interface Packages {
  '@ipshipyard/libp2p-auto-tls': typeof import('@ipshipyard/libp2p-auto-tls')
  '@libp2p/autonat-v2': typeof import('@libp2p/autonat-v2')
  '@libp2p/dcutr': typeof import('@libp2p/dcutr')
  '@libp2p/http': typeof import('@libp2p/http')
  '@libp2p/mdns': typeof import('@libp2p/mdns')
  '@libp2p/upnp-nat': typeof import('@libp2p/upnp-nat')
  '@libp2p/webrtc': typeof import('@libp2p/webrtc')
}
type Name = keyof Packages

/**
 * What the packages export, in the same order. Rejects with `PoolError` `invalid-config` that names the command for a package that is missing.
 *
 * The name of an import is no literal, and comments say the same to some bundlers: none follows it. They would fail at a package that is not
 * installed, and at the native code of WebRTC where it is. So a bundle for Node loads these packages from `node_modules` too.
 */
export async function optionalPackages<const Names extends readonly Name[]>(
  option: string,
  names: Names
): Promise<{ [Index in keyof Names]: Packages[Names[Index]] }> {
  try {
    const modules = names.map((name) => import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ name))
    return (await Promise.all(modules)) as { [Index in keyof Names]: Packages[Names[Index]] }
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new PoolError(
      'invalid-config',
      `${option} needs a package that is not installed (${messageOf(error)}); run: npm install ${names.join(' ')}`,
      { cause: error }
    )
  }
}
