/** Signed records of the memory network, for tests that are about them: anybody can forge one. */
import type { PeerId, Point } from '../../src/core/values/ids.ts'
import type { SignedRecords } from '../../src/core/values/ports.ts'

/** A record is the id and the points as text. One that names another id is broken. */
export function plainRecords(peerId: PeerId, points: () => readonly Point[]): SignedRecords {
  return {
    get own() {
      return recordOf(peerId, ...points())
    },
    async open(bytes, signer) {
      const [head, ...named] = new TextDecoder().decode(bytes).split(' ')
      await Promise.resolve()
      if (head !== `signed-by:${signer}`) throw new Error(`expected the signature of ${signer}`)
      return named as Point[]
    }
  }
}

export function recordOf(peerId: PeerId, ...points: readonly Point[]): Uint8Array {
  return new TextEncoder().encode([`signed-by:${peerId}`, ...points].join(' '))
}
