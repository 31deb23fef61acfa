/**
 * A role is what one process of the laboratory plays: a victim, a crowd of honest peers, an attacker. It is made with arguments and
 * answers to verbs. `lab.ts` starts roles in child processes, `role-child.ts` is what runs there.
 */

/** What the starter of a role may ask of it. */
export type Verbs = Readonly<Record<string, (...args: never[]) => unknown>>

export interface Role<Args, V extends Verbs> {
  /** The file that defines it, for the child to import. */
  readonly file: string
  readonly role: string
  readonly play: (args: Args) => Promise<V>
}

/** The same verbs from another process. */
export type Remote<V extends Verbs> = {
  readonly [K in keyof V]: (...args: Parameters<V[K]>) => Promise<Awaited<ReturnType<V[K]>>>
}

export type VerbsOf<R> = R extends Role<never, infer V extends Verbs> ? V : never

const defined = new Map<string, Role<never, Verbs>>()

/** `file` is the caller's `import.meta.url`: a child imports it to find the role. */
export function defineRole<Args, V extends Verbs>(file: string, role: string, play: (args: Args) => Promise<V>): Role<Args, V> {
  const made = { file, role, play }
  defined.set(`${file} ${role}`, made)
  return made
}

/** The role that `file` defines, once it has been imported. */
export function definedRole(file: string, role: string): Role<never, Verbs> | undefined {
  return defined.get(`${file} ${role}`)
}

export type ToChild =
  | { readonly kind: 'play'; readonly file: string; readonly role: string; readonly args: unknown }
  | { readonly kind: 'call'; readonly call: number; readonly verb: string; readonly args: readonly unknown[] }

export type FromChild =
  | { readonly kind: 'playing' }
  | { readonly kind: 'answer'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly call: number | undefined; readonly message: string }
