/** One short text for all that a snapshot shows: equal for equal states of a pool. No proof against forgery. */
import type { PoolSnapshot } from '../core/values/snapshot.ts'

/**
 * Without the link budget, which is the host's, without scores that the application computes of what it alone knows, and without why a peer was
 * reported, which may quote what no recording has.
 */
export function snapshotHash({ linkBudget: _, ...snapshot }: PoolSnapshot, { score }: { readonly score: boolean }): string {
  const peers = snapshot.peers.map(({ lastReport, ...peer }) => ({
    ...peer,
    score: score ? 0 : peer.score,
    lastReport: lastReport && { ...lastReport, reason: '' }
  }))
  return hashOf(JSON.stringify({ ...snapshot, peers }))
}

/** 64 bits as hexadecimal (cyrb53 with both halves whole). */
export function hashOf(text: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57]
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 2_654_435_761)
    b = Math.imul(b ^ unit, 1_597_334_677)
  }
  const [low, high] = [
    Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909),
    Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909)
  ]
  return [high, low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}
