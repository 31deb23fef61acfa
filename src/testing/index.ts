/**
 * Public names of `p2p-pool/testing`: a network in memory, a virtual clock and random numbers from a seed, for tests of programs that use a pool.
 *
 * @module p2p-pool/testing
 */
export { type IntroducingNode, introductionPoint, MemoryIntroductions } from './memory-introductions.ts'
export { type LinkOwner, MemoryLink, type Wires } from './memory-link.ts'
export { MemoryHub, MemoryNetwork } from './memory-network.ts'
export type { HubOptions, NodeOptions } from './memory-options.ts'
export { CopiedTexts, type SignallingNode } from './memory-signalling.ts'
export { type Member, type MemberOptions, MemoryWorld, type WorldOptions } from './memory-world.ts'
export { seededRandom } from './seeded-random.ts'
export { settle } from './settle.ts'
export { VirtualClock } from './virtual-clock.ts'
