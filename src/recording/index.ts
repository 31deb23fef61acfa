/**
 * Public names of `p2p-pool/recording`: record what happens to a pool, and run it again.
 *
 * @module p2p-pool/recording
 */
export { Recording, type RecordingOptions, type RecordingStatus } from './recording.ts'
