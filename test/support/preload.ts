/** What a pool loads beside its start, loaded before: a virtual clock does not wait for files. */
import '../../src/core/api/late.ts'
import '../../src/core/flows/application-check.ts'
import '../../src/core/flows/introductions.ts'
import '../../src/core/flows/invitations.ts'
