/** The name of a page's pool, with its database and its lock, where the program gives none. Apart, so that it can be had without libp2p. */
export const defaultName = 'p2p-pool'
