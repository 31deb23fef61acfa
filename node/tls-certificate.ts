/**
 * The certificate of a listener that speaks TLS: its texts are read, checked, and read again while the listener is open, since certificates
 * are renewed every few weeks. Files are read again every ten seconds and compared: watching a file misses renewals that swap a link (certbot,
 * Kubernetes) or happen on another machine. Used by `tls-listener.ts`.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { hostOfIp, hostOfName, scopeOf } from '../src/core/values/address.ts'
import { type Check, name as nameOption, recordOf, type Shape } from '../src/core/values/arguments.ts'
import { cutText } from '../src/core/values/cut-text.ts'
import type { Host } from '../src/core/values/ids.ts'
import type { Clock } from '../src/core/values/ports.ts'
import { messageOf, PoolError } from '../src/core/values/reason.ts'
import { readSmallFile } from './regular-file.ts'
import { refuseForeign } from './trusted-files.ts'

/** The option `tls` of `createNodePeer`. */
export interface TlsOptions {
  /** The private key without a password: PEM text, or the path of a file with it. */
  readonly key: string
  /** The certificate, and after it those that lead to a known authority: PEM text, or the path of a file with it. */
  readonly cert: string
  /**
   * The DNS name or IP address that is advertised with the port of the listener. The certificate must be valid for it.
   * @default the first eight that the certificate names, without wildcards
   */
  readonly name?: string | undefined
}

const tlsShape: Shape<TlsOptions> = { key: nameOption, cert: nameOption, name: nameOption }
export const tlsOptions: Check = recordOf(tlsShape, 'key', 'cert')

export interface CertificateOptions extends TlsOptions {
  /** The operator says which addresses are advertised: the names in the certificate do not matter. @default false */
  readonly isElsewhere?: boolean
}

/** What a handshake presents. */
export interface Certificate {
  readonly key: string
  readonly cert: string
  /** What is advertised. */
  readonly hosts: readonly Host[]
  /** Wall clock, ms since 1970. */
  readonly validUntil: number
  /** What the operator should know, although the certificate is used. */
  readonly warnings: readonly string[]
}

export interface Following {
  readonly clock: Clock
  /** Takes a sentence for the operator. */
  warn(text: string): void
}

/** A chain with RSA keys of 4,096 bits has 8 kB. */
const maxFileBytes = 256 * 1024
/** Between two looks at the files, ms. */
const lookEveryMs = 10_000
/** A change is looked at again after so long, and taken if the files are still the same: a file may be half written. */
const settleMs = 1_000
/** That are advertised of the names in one certificate. */
const maxHosts = 8
/** That a warning lists. */
const maxListed = 8
const warnBeforeEndMs = 3 * 24 * 3_600_000

/** Key and certificate as they are now: the newest that were good. */
export class FollowedCertificate {
  readonly #options: CertificateOptions
  #current: Certificate

  /** Throws as `loadCertificate`. */
  constructor(options: CertificateOptions, loaded: Certificate) {
    this.#options = options
    this.#current = loaded
  }

  get current(): Certificate {
    return this.#current
  }

  /** Calls `renewed` after each change, until the returned function is called. Texts that were given as such never change. */
  follow(renewed: () => void, { clock, warn }: Following): () => void {
    const { key, cert } = this.#options
    let cancel: () => void = () => undefined
    let isOver = false
    let seen = textOf(this.#current)
    let refused: string | undefined
    let reported: readonly string[] = []
    const report = (): void => {
      const { warnings } = this.#current
      for (const text of warnings) if (!reported.includes(text)) warn(`tls: ${text}`)
      reported = warnings
    }
    const look = async (): Promise<void> => {
      const found = await readTexts(this.#options).catch((error: unknown) => messageOf(error))
      if (isOver) return
      const now = typeof found === 'string' ? found : textOf(found)
      const isSettled = now === seen
      seen = now
      if (isSettled && now !== textOf(this.#current) && now !== refused) {
        try {
          if (typeof found === 'string') throw new Error(found)
          const next = check(found, this.#options)
          if (next.validUntil <= clock.date()) throw new Error(`it has been invalid since ${dateOf(next.validUntil)}`)
          this.#current = next
          refused = undefined
          report()
          renewed()
        } catch (error) {
          refused = now
          warn(`tls: the changed key or certificate is not used, the one before stays: ${messageOf(error)}`)
        }
      }
      wait(isSettled ? lookEveryMs : settleMs)
    }
    const wait = (delayMs: number): void => {
      cancel = clock.schedule(delayMs, () => void look())
    }
    report()
    if (!isText(key) || !isText(cert)) wait(lookEveryMs)
    const stopWarning = this.#warnOfEnd({ clock, warn })
    return () => {
      isOver = true
      cancel()
      stopWarning()
    }
  }

  /** Once a day, from three days before its end. */
  #warnOfEnd({ clock, warn }: Following): () => void {
    const look = (): (() => void) => {
      const { validUntil } = this.#current
      if (validUntil - clock.date() <= warnBeforeEndMs) {
        const verb = validUntil <= clock.date() ? 'has been' : 'becomes'
        warn(`tls: the certificate ${verb} invalid ${verb === 'becomes' ? 'on' : 'since'} ${dateOf(validUntil)}: no newer one was found`)
      }
      return clock.schedule(24 * 3_600_000, () => {
        cancel = look()
      })
    }
    let cancel = look()
    return () => cancel()
  }
}

/**
 * Reads and checks both. Rejects with `PoolError` `invalid-config` for a file that cannot be read or belongs to another user, for a key and a certificate that are none or
 * do not belong together, and for a name that the certificate is not valid for.
 */
export async function loadCertificate(options: CertificateOptions): Promise<FollowedCertificate> {
  try {
    return new FollowedCertificate(options, check(await readTexts(options), options))
  } catch (error) {
    throw new PoolError('invalid-config', `tls: ${messageOf(error)}`, { cause: error })
  }
}

type Texts = Pick<Certificate, 'key' | 'cert' | 'warnings'>

const isText = (text: string): boolean => text.includes('-----BEGIN ')
const textOf = ({ key, cert }: Pick<Texts, 'key' | 'cert'>): string => `${key}\n${cert}`
const dateOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

async function readTexts({ key, cert }: TlsOptions): Promise<Texts> {
  const warnings: string[] = []
  const readKey = await readText(key, 'key', (path, mode) => {
    // Groups may read it: so certbot's keys come to the user of a server. Windows shows no owner in the mode.
    if (process.platform === 'win32' || (mode & 0o007) === 0) return
    warnings.push(`the key ${path} is open to all users (mode ${(mode & 0o777).toString(8)}, expected 640 or 600); run: chmod o= '${path}'`)
  })
  return { key: readKey, cert: await readText(cert, 'cert'), warnings }
}

async function readText(given: string, what: string, judge: (path: string, mode: number) => void = () => undefined): Promise<string> {
  if (isText(given)) return given
  const path = resolve(given)
  try {
    const { text, found } = await readSmallFile(path, { maxBytes: maxFileBytes })
    refuseForeign(path, found)
    judge(path, found.mode)
    return text
  } catch (error) {
    throw new Error(`${what}: cannot read ${path}: ${messageOf(error)}`, { cause: error })
  }
}

function check({ key, cert, warnings }: Texts, { name, isElsewhere = false }: CertificateOptions): Certificate {
  try {
    // Of empty texts the context alone says nothing.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error('the certificate is for another key')
    createSecureContext({ key, cert })
  } catch (error) {
    throw new Error(`key and cert are no PEM texts that belong together: ${messageOf(error)}`, { cause: error })
  }
  const certificate = new X509Certificate(cert)
  const validUntil = Date.parse(certificate.validTo)
  if (name === undefined) {
    const { hosts, doubt } = hostsOf(certificate)
    return { key, cert, validUntil, hosts, warnings: doubt === undefined || isElsewhere ? warnings : [...warnings, doubt] }
  }
  const host = hostOfName(name)
  // Browsers do not look at the subject.
  const isCovered = hostOfIp(name) === undefined ? certificate.checkHost(name, { subject: 'never' }) : certificate.checkIP(name)
  if (host === undefined || isCovered === undefined)
    throw new Error(`the certificate is not valid for ${name}, but for ${certificate.subjectAltName ?? 'no name'}`)
  return { key, cert, validUntil, hosts: [host], warnings }
}

/** The alternative names that can be dialed, and what is wrong with them. */
function hostsOf({ subjectAltName = '' }: X509Certificate): { readonly hosts: readonly Host[]; readonly doubt: string | undefined } {
  const names = [...subjectAltName.matchAll(/(?:^|, )(?:DNS|IP Address):([^,"]+)/g)].map(([, name = '']) => name)
  const dialable = new Map<Host, string>()
  for (const name of names) {
    const host = hostOfName(name)
    if (host !== undefined && scopeOf(host) !== 'unroutable') dialable.set(host, name)
  }
  return { hosts: [...dialable.keys()].slice(0, maxHosts), doubt: doubtOf([...dialable.values()], names, subjectAltName) }
}

function doubtOf(dialable: readonly string[], names: readonly string[], subjectAltName: string): string | undefined {
  if (dialable.length > maxHosts)
    return `the certificate names ${dialable.length} hosts, and the first ${maxHosts} are advertised; left out: ${listOf(dialable.slice(maxHosts))}`
  if (dialable.length > 0) return undefined
  const wildcards = names.filter((name) => name.startsWith('*.'))
  if (wildcards.length > 0)
    return `the certificate names no host, but wildcards alone (${listOf(wildcards)}), so no secure address is advertised; say which host it is with the option name of tls`
  const found = subjectAltName === '' ? 'it has none' : `there is only ${cutText(subjectAltName, 200)}`
  return `the certificate names no host: browsers look for it in subjectAltName alone, and ${found}, so no secure address is advertised; get a certificate with the name of the host`
}

function listOf(names: readonly string[]): string {
  const more = names.length - maxListed
  return `${names.slice(0, maxListed).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
