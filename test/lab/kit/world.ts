/**
 * A small internet inside one network namespace, which leads nowhere: a router in the middle, public hosts around it, and hosts behind
 * routers of their own. Each is a network namespace of its own, joined by veth pairs. Everything in the world ends with the process that made it,
 * which runs in namespaces of its own (`../../laboratory/in-namespaces.ts`).
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { Place } from '../../laboratory/lab.ts'
import { inside, outside, type RouterKind, routerRules } from './nat.ts'

/** A folder in memory that only this process and its children see. */
export const scratch = '/run/lab'

/** The name of the certificate of `test/support/certificate.ts`. */
export const serverName = 'peer.example'

const middle = 'internet'
/** Both ends of each link in the middle have it; packets find their way by routes to single hosts. */
const gateway = '203.0.113.254'

export interface Site {
  readonly name: string
  /** Where its programs run. */
  readonly place: Place
}

export interface SiteBehind extends Site {
  /** From now on the router has this public address and no other; what it knew of connections is forgotten. */
  moveTo(address: string): void
}

export class World {
  #networks = 0
  #links = 0

  /** Once in each process, before anything else. `serverAddress` is what the server's name stands for everywhere. */
  constructor(serverAddress: string) {
    // Seen by this process and its children alone.
    run('mount -t tmpfs lab /run')
    mkdirSync(scratch, { mode: 0o755 })
    mkdirSync('/run/netns')
    writeFileSync(`${scratch}/hosts`, `127.0.0.1 localhost\n${serverAddress} ${serverName}\n`)
    run(`mount --bind ${scratch}/hosts /etc/hosts`)
    addNamespace(middle)
    // The internet does not say which addresses are gone.
    rules(middle, 'table ip quiet { chain output { type filter hook output priority 0; icmp type destination-unreachable drop; }; }')
  }

  /** A host with an address of its own. */
  publicHost(name: string, address: string): Site {
    addNamespace(name)
    plugIn(name, { address, link: this.#nextLink() })
    return { name, place: placeOf(name) }
  }

  /** A host on a private network whose router has this address. */
  behind(kind: RouterKind, { name, address }: { name: string; address: string }): SiteBehind {
    const router = `${name}-router`
    const network = `192.168.${++this.#networks}`
    const host = `${network}.2`
    addNamespace(name)
    addNamespace(router)
    const link = this.#nextLink()
    plugIn(router, { address, link })
    run(`ip link add ${inside} netns ${router} type veth peer name eth0 netns ${name}`)
    run(`ip -n ${router} addr add ${network}.1/24 dev ${inside}`)
    run(`ip -n ${router} link set ${inside} up`)
    run(`ip -n ${name} addr add ${host}/24 dev eth0`)
    run(`ip -n ${name} link set eth0 up`)
    run(`ip -n ${name} route add default via ${network}.1`)
    rules(router, routerRules(kind, host))
    let current = address
    const moveTo = (next: string): void => {
      run(`ip -n ${middle} route replace blackhole ${current}`)
      run(`ip -n ${middle} route replace ${next} dev ${link}`)
      run(`ip -n ${router} addr add ${next}/32 dev ${outside}`)
      // With the address the kernel forgets the connections that were masqueraded with it.
      run(`ip -n ${router} addr del ${current}/32 dev ${outside}`)
      current = next
    }
    return { name, place: placeOf(name), moveTo }
  }

  /** Names of interfaces are short. */
  #nextLink(): string {
    return `link${++this.#links}`
  }
}

function addNamespace(name: string): void {
  run(`ip netns add ${name}`)
  run(`ip -n ${name} link set lo up`)
  within(name, 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6')
}

/** Joins a namespace to the middle by a link of that name. */
function plugIn(name: string, { address, link }: { address: string; link: string }): void {
  run(`ip link add ${link} netns ${middle} type veth peer name ${outside} netns ${name}`)
  run(`ip -n ${middle} addr add ${gateway}/32 dev ${link}`)
  run(`ip -n ${middle} link set ${link} up`)
  run(`ip -n ${middle} route add ${address} dev ${link}`)
  run(`ip -n ${name} addr add ${address}/32 dev ${outside}`)
  run(`ip -n ${name} link set ${outside} up`)
  run(`ip -n ${name} route add ${gateway} dev ${outside}`)
  run(`ip -n ${name} route add default via ${gateway}`)
}

function placeOf(name: string): Place {
  return { command: ['nsenter', `--net=/run/netns/${name}`] }
}

function within(name: string, script: string): void {
  execFileSync('nsenter', [`--net=/run/netns/${name}`, 'sh', '-c', script], { stdio: ['ignore', 'ignore', 'pipe'] })
}

function rules(name: string, text: string): void {
  execFileSync('nsenter', [`--net=/run/netns/${name}`, 'nft', '-f', '-'], { input: text, stdio: ['pipe', 'ignore', 'pipe'] })
}

/** Words without spaces in them. Throws with what the command wrote. */
function run(command: string): void {
  const [program = '', ...args] = command.split(' ')
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
