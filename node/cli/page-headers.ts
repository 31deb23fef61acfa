/** The headers of all that the demo's server answers: what a browser may do with it. */
import { createHash } from 'node:crypto'

/**
 * No website shows the page in a frame, where it could put its own words over the buttons. Scripts and styles come from this server alone;
 * connections go anywhere, as a peer's do.
 */
const policy: Readonly<Record<string, string>> = {
  'default-src': "'none'",
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data: blob:",
  'connect-src': '* ws: wss:',
  'worker-src': "'self' blob:",
  'manifest-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'"
}

/** `html`: the page, whose own inline scripts may run. */
export function pageHeaders(html = ''): Readonly<Record<string, string>> {
  const hashes = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script.replaceAll('\r\n', '\n')).digest('base64')}'`
  )
  const csp = Object.entries({ ...policy, 'script-src': ["'self'", ...hashes].join(' ') })
  return {
    'content-security-policy': csp.map((directive) => directive.join(' ')).join('; '),
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store'
  }
}
