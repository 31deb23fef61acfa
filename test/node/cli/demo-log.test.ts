/** What unknown peers write reaches the terminal of the demo as text. */
import { describe, expect, it } from 'vitest'
import { demoLog } from '../../../node/cli/demo-log.ts'
import type { DemoNodePeer } from '../../../node/cli/demo-node-peer.ts'
import type { PeerId } from '../../../node/index.ts'

const peer = { name: 'Node 1' } as DemoNodePeer
const from = '12D3KooWabcdefgh' as PeerId

describe('a line of the demo’s log', () => {
  it.each([
    '\u0007',
    '\u001b[2J',
    '\u007f',
    '\u009b2J',
    '\u009d0;title\u009c',
    '\u202e',
    '\u2066',
    '\u200b',
    '\u2028',
    '\u{e0041}',
    '\ue000',
    '\ud800',
    '\n12:00:00  Node 1: forged'
  ])('shows %j instead of doing it', (bad) => {
    const lines: string[] = []
    const log = demoLog({ write: (line) => lines.push(line), isNodePeer: () => false })
    log.message(peer, from, `a${bad}b`)
    log.note(peer, `a${bad}b`)
    expect(lines).toHaveLength(2)
    for (const line of lines) {
      expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
      expect(line).toContain('a\\')
    }
  })

  it('leaves other writing as it is', () => {
    const lines: string[] = []
    demoLog({ write: (line) => lines.push(line), isNodePeer: () => false }).message(peer, from, 'Grüße, 世界 👍')
    expect(lines[0]).toContain('says "Grüße, 世界 👍"')
  })
})
