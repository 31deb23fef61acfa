/**
 * Loads at once what a pool loads while it starts. A tab that follows does so: when it takes over, the server of the page may be gone.
 * Called by `tab-session.ts`. The list holds what `import()` names elsewhere; a test takes the server away.
 */

/** Resolves in any case: what cannot be loaded now is asked for again when it is needed. */
export async function loadAll({ plainPeers, onAdmit }: { plainPeers?: unknown; onAdmit?: unknown }): Promise<void> {
  await Promise.allSettled([
    import('../src/core/api/late.ts'),
    import('../src/libp2p/late-network.ts'),
    plainPeers === 'admit' && import('../src/libp2p/plain-peers.ts'),
    onAdmit !== undefined && import('../src/core/flows/application-check.ts')
  ])
}
