/** A few secrets in one file, readable by its owner alone, that change now and then: keys and certificates. Used by `auto-tls.ts`. */
import { NotFoundError } from '@libp2p/interface'
import { removeTemporaries, renameFile, syncFolderOf, writeTemporary } from './durable-file.ts'
import { loadOrCreateSecret } from './secret-file.ts'
import { storageErrorOf } from './system-error.ts'
import { trustedPath } from './trusted-files.ts'

export class KeptSecrets {
  readonly #path: string | undefined
  readonly #secrets: Map<string, Uint8Array>
  #saving: Promise<void> = Promise.resolve()

  private constructor(path: string | undefined, secrets: Map<string, Uint8Array>) {
    this.#path = path
    this.#secrets = secrets
  }

  /** Those in the file, which is made if it is not there; without a path in memory alone. Rejects with `StorageError`. */
  static async open(path: string | undefined): Promise<KeptSecrets> {
    if (path === undefined) return new KeptSecrets(path, new Map())
    const secrets = await loadOrCreateSecret(path, {
      name: 'certificate file',
      holds: 'keys and certificates',
      advice: 'restore it, or move it away to ask for a new certificate',
      read: (bytes) => readSecrets(new TextDecoder().decode(bytes)),
      make: async () => ({ value: new Map<string, Uint8Array>(), bytes: new TextEncoder().encode('{}') })
    })
    return new KeptSecrets(path, secrets)
  }

  /** Throws libp2p's `NotFoundError` if there is none of that name. */
  get(name: string): Uint8Array {
    const secret = this.#secrets.get(name)
    if (secret === undefined) throw new NotFoundError(`no ${name} is kept`)
    return secret
  }

  /** Rejects with `StorageError`; the secret is in memory then. */
  put(name: string, secret: Uint8Array): Promise<void> {
    this.#secrets.set(name, secret)
    const saving = this.#saving.then(() => this.#save())
    this.#saving = saving.catch(() => undefined)
    return saving
  }

  async #save(): Promise<void> {
    if (this.#path === undefined) return
    try {
      const file = await trustedPath(this.#path)
      await removeTemporaries(file, 60_000)
      const entries = [...this.#secrets].map(([name, secret]) => [name, Buffer.from(secret).toString('base64')])
      const temporary = await writeTemporary(file, [new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))])
      await renameFile(temporary, file, () => undefined)
      await syncFolderOf(file)
    } catch (error) {
      throw storageErrorOf(error, `cannot save the certificate file ${this.#path}`)
    }
  }
}

function readSecrets(text: string): Map<string, Uint8Array> {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('expected an object')
  return new Map(
    Object.entries(value).map(([name, secret]) => {
      if (typeof secret !== 'string') throw new Error(`expected a text for ${name}`)
      return [name, new Uint8Array(Buffer.from(secret, 'base64'))]
    })
  )
}
