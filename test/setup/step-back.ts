/**
 * Setup file of the simulations: they compute without a pause, beside tests with real sockets that wait for an answer in time. On a
 * lower priority they take what those leave of the processors.
 */
import { setPriority } from 'node:os'

setPriority(10)
