/**
 * Says so, before anything else fails in a stranger way, when npm scripts run on a Node that cannot run this checkout.
 * First step of every script in package.json. Plain JavaScript in old syntax, since it must run on the Node that is too old.
 */
import process from 'node:process'

/** Runs TypeScript files directly and knows `import.meta.main`; the published package itself is content with 22. */
const needed = [24, 2]

const running = process.versions.node.split('.').map(Number)

if (running[0] < needed[0] || (running[0] === needed[0] && running[1] < needed[1])) {
  console.error(
    `p2p-pool needs Node ${needed.join('.')} or newer, but this script runs on Node ${process.versions.node} (${process.execPath}).\n` +
      'The dev dependency "node" normally puts a fitting one first on the path; its install script did not run here.\n' +
      'Run "npm ci" again without --ignore-scripts, or install a newer Node.'
  )
  process.exit(1)
}
