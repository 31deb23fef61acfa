/**
 * The addresses of the laboratory, all on the loopback interface of a network namespace that leads nowhere. Attackers and victim use
 * the ranges for documentation; honest hosts each have a /16 of their own, as hosts of different owners have.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { hostOfIp, scopeOf } from '../../../src/core/values/address.ts'

export const victimHost = '203.0.113.1'
export const victimHost6 = '2a00:1:2:3::1'
/** What stands before the victim's listener in the rows about proxies; the victim sees it as this public address. */
export const proxyHost = '203.0.113.2'

/** Hosts of one attacker in one network. From 1 to 254. */
export const attackerHost = (n: number): string => `198.51.100.${n}`
/** Hosts of one attacker in as many networks. From 0 to 255. */
export const spreadAttackerHost = (n: number): string => `46.${n}.0.1`
export const honestHost = (n: number): string => `23.${n}.0.1`
export const trustedHost = (n: number): string => `31.${n}.0.1`
/** One IPv6 /64. From 1 to 99. */
export const attackerHost6 = (n: number): string => `2a02:bad:1:1::${n}`
/** Each in an IPv6 /48 of its own. From 0 to 9. */
export const honestHost6 = (n: number): string => `2a03:c0d:${n}:1::1`
export const trustedHost6 = (n: number): string => `2a03:c0e:${n}:1::1`
/** A local network, for traps that nobody may dial. */
export const privateTrap = '10.1.2.3'

const ranges4 = [
  '203.0.113.0/24',
  '198.51.100.0/24',
  '192.0.2.0/24',
  '23.0.0.0/8',
  '31.0.0.0/8',
  '46.0.0.0/8',
  '10.0.0.0/8',
  '169.254.0.0/16'
]
const addresses6 = [
  victimHost6,
  ...Array.from({ length: 99 }, (_, i) => attackerHost6(i + 1)),
  ...Array.from({ length: 10 }, (_, i) => [honestHost6(i), trustedHost6(i)]).flat()
]

/** Gives the loopback interface of this process's network namespace all of them. Throws where `ip` cannot do it. */
export function addAddresses(): void {
  const commands = [
    'link set lo up',
    // Resolvers leave out a family of which the machine has no address but loopback ones.
    `addr add ${victimHost}/32 dev lo`,
    ...ranges4.map((range) => `route add local ${range} dev lo`),
    ...addresses6.map((address) => `-6 addr add ${address}/128 dev lo nodad`)
  ]
  for (const family of ['', '-6 ']) {
    const batch = commands.filter((command) => command.startsWith('-6 ') === (family !== '')).map((command) => command.slice(family.length))
    execFileSync('ip', [...(family === '' ? [] : ['-6']), '-batch', '-'], { input: batch.join('\n'), stdio: ['pipe', 'ignore', 'pipe'] })
  }
  // One host opens thousands of connections here, and each of them stalls for a minute after its end.
  writeFileSync('/proc/sys/net/ipv4/ip_local_port_range', '10000 65000')
  checkScopes()
}

/** The laboratory proves nothing if the pool takes its hosts for local ones. */
function checkScopes(): void {
  const all = [victimHost, proxyHost, attackerHost(1), spreadAttackerHost(0), honestHost(0), trustedHost(0), ...addresses6]
  for (const address of all) {
    const host = hostOfIp(address)
    const scope = host === undefined ? 'no host' : scopeOf(host)
    if (scope !== 'public') throw new Error(`the laboratory's address ${address} counts as ${scope}, public was expected`)
  }
  const trap = hostOfIp(privateTrap)
  if (trap === undefined || scopeOf(trap) !== 'private') throw new Error(`${privateTrap} does not count as private`)
}
