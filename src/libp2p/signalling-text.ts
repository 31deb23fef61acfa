/**
 * The part of an invitation and of its answer that WebRTC needs: what a description (SDP) says, as fields. They come from anywhere, so each is
 * checked, and the description that the browser gets is written here: no line of another peer reaches its parser.
 */
import { PoolError } from '../core/values/reason.ts'

/** What a description says that differs from one to the next. */
export interface Signalling {
  /** Name of the ICE session. */
  readonly ufrag: string
  readonly pwd: string
  /** SHA-256 of the certificate, hexadecimal, upper case, with colons. */
  readonly fingerprint: string
  readonly candidates: readonly Candidate[]
}

/** An address where a peer may be reached by UDP. */
export interface Candidate {
  /** Its own address, the one that a STUN server saw, or one of a TURN server. */
  readonly type: 'host' | 'srflx' | 'relay'
  /** An IP address, or `UUID.local`: what browsers write in place of an address on the local network. */
  readonly host: string
  readonly port: number
}

/** More addresses of one peer are not tried. */
const maxCandidates = 10
/** ICE uses ports of the dynamic range; services that a packet could disturb have lower ones. */
const minPort = 1_024
const types = ['host', 'srflx', 'relay'] as const

const ufragForm = /^[A-Za-z0-9+/]{4,32}$/
const pwdForm = /^[A-Za-z0-9+/]{22,64}$/
const localName = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\.local$/

/** The fields of our own description. Throws where the browser wrote one that cannot be carried. */
export function readDescription(sdp: string): Signalling {
  const line = (name: string): string => new RegExp(`^a=${name}:(\\S+)\\s*$`, 'm').exec(sdp)?.[1] ?? ''
  const [ufrag, pwd] = [line('ice-ufrag'), line('ice-pwd')]
  const fingerprint = /^a=fingerprint:sha-256 (\S+)\s*$/im.exec(sdp)?.[1]?.toUpperCase() ?? ''
  const found = [...sdp.matchAll(/^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ (host|srflx|relay)\b/gim)]
  const candidates = found
    .map(([, host = '', port, type]) => ({ type: type as Candidate['type'], host: canonicalHost(host) ?? '', port: Number(port) }))
    .filter((candidate) => isCandidate(candidate))
  if (!ufragForm.test(ufrag) || !pwdForm.test(pwd) || !isFingerprint(fingerprint) || line('mid') !== '0')
    throw new Error('the browser wrote a description that cannot be carried')
  return { ufrag, pwd, fingerprint, candidates: candidates.slice(0, maxCandidates) }
}

/** The description of the other peer. */
export function writeDescription(type: 'offer' | 'answer', { ufrag, pwd, fingerprint, candidates }: Signalling): RTCSessionDescriptionInit {
  const lines = [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel'],
    ...['c=IN IP4 0.0.0.0', `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, `a=fingerprint:sha-256 ${fingerprint}`],
    ...[`a=setup:${type === 'offer' ? 'actpass' : 'active'}`, 'a=mid:0', 'a=sctp-port:5000', 'a=max-message-size:65536'],
    ...candidates.map((candidate, i) => `a=${candidateLine(candidate, i)}`)
  ]
  return { type, sdp: `${lines.join('\r\n')}\r\n` }
}

/** One candidate as WebRTC has it. `place`: the earlier, the better. */
export function candidateLine({ type, host, port }: Candidate, place: number): string {
  const preference = { host: 126, srflx: 100, relay: 0 }[type]
  const base = type === 'host' ? '' : ' raddr 0.0.0.0 rport 0'
  return `candidate:${place + 1} 1 udp ${preference * 2 ** 24 + (65_535 - place) * 256 + 255} ${host} ${port} typ ${type}${base}`
}

/** As a field of an invitation or an answer: printable, without `;`. */
export function writeSignalling({ ufrag, pwd, fingerprint, candidates }: Signalling): string {
  const bytes = fingerprint.split(':').map((byte) => Number.parseInt(byte, 16))
  return [ufrag, pwd, toText(bytes), ...candidates.map(({ type, host, port }) => `${type[0]}${shortHost(host)}:${port}`)].join(',')
}

/** Throws `PoolError` `invalid-invitation` for anything but what `writeSignalling` writes. */
export function readSignalling(text: string): Signalling {
  const [ufrag = '', pwd = '', hash = '', ...listed] = text.split(',')
  const fingerprint = fromText(hash)
    ?.map((byte) => byte.toString(16).padStart(2, '0').toUpperCase())
    .join(':')
  const candidates = listed.map((one) => readCandidate(one))
  const isSound = ufragForm.test(ufrag) && pwdForm.test(pwd) && fingerprint !== undefined && isFingerprint(fingerprint)
  if (isSound && listed.length <= maxCandidates && candidates.every((one) => one !== undefined)) {
    const signalling = { ufrag, pwd, fingerprint, candidates }
    if (writeSignalling(signalling) === text) return signalling
  }
  throw new PoolError('invalid-invitation', 'what WebRTC needs is missing from the text, or damaged')
}

function readCandidate(text: string): Candidate | undefined {
  const [, letter, short = '', port] = /^([hsr])(\S+):(\d{4,5})$/.exec(text) ?? []
  const type = types.find((one) => one[0] === letter)
  const host = /^[A-Za-z0-9_-]{22}$/.test(short) ? nameOf(short) : canonicalHost(short.replace(/^\[(.*)\]$/, '$1'))
  const candidate = type !== undefined && host !== undefined ? { type, host, port: Number(port) } : undefined
  return candidate !== undefined && isCandidate(candidate) ? candidate : undefined
}

function isCandidate({ type, host, port }: Candidate): boolean {
  const isHost = localName.test(host) ? type === 'host' : canonicalHost(host) === host && !isNobody(host)
  return isHost && port >= minPort && port <= 65_535
}

/** Of this machine alone, of many, or of none. */
function isNobody(host: string): boolean {
  return /^(0|127|22[4-9]|2[3-5][0-9])\./.test(host) || /^(::|::1|ff.*|::ffff:.*)$/.test(host)
}

/** On a local network, as far as the text says. */
export function isLocal(host: string): boolean {
  return (
    /^(10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(host) || /^f[cde]|\.local$/.test(host)
  )
}

/** An IP address in its one spelling, or a name of a browser's as it is; nothing for other texts. */
function canonicalHost(host: string): string | undefined {
  if (localName.test(host)) return host
  const isIp4 = /^\d{1,3}(\.\d{1,3}){3}$/.test(host)
  if (!isIp4 && !/^[0-9a-f:]{2,39}$/i.test(host)) return undefined
  try {
    return new URL(isIp4 ? `http://${host}/` : `http://[${host}]/`).hostname.replace(/[[\]]/g, '')
  } catch {
    return undefined
  }
}

function isFingerprint(text: string): boolean {
  return /^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/.test(text)
}

/** A name of a browser's is 16 random bytes. */
function shortHost(host: string): string {
  const hex = localName.exec(host)?.slice(1).join('')
  if (hex === undefined) return host.includes(':') ? `[${host}]` : host
  return toText(Array.from({ length: 16 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)))
}

function nameOf(short: string): string | undefined {
  const hex = fromText(short)?.map((byte) => byte.toString(16).padStart(2, '0'))
  return hex?.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5.local')
}

// Base64 for addresses of the web, without padding.

function toText(bytes: readonly number[]): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

function fromText(text: string): number[] | undefined {
  try {
    return Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0))
  } catch {
    return undefined
  }
}
