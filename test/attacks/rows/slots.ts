/** Attacks on the running connections of a pool: one host that fills them under many ids. */

import { type Lab, pause } from '../../laboratory/lab.ts'
import { defineRole } from '../../laboratory/role.ts'
import { type Newcomers, newcomers } from '../kit/crowd.ts'
import { attackerHost, victimHost } from '../kit/hosts.ts'
import { findingOf, type Row } from '../kit/row.ts'
import { dialAgain, joinPool, strangerAt } from '../kit/stranger.ts'
import { tcpPort, victim } from '../kit/victim.ts'

const ids = 63
const honestHosts = 29
/** Under libp2p's five connections a second from one host. */
const joinEveryMs = 230
/** Until the attacker has brought all of its ids, or is kept out. */
const fillMs = 25_000
const laterMs = 60_000

/** Joins the pool under many ids of one host, each again and again while it is not in. */
const settlers = defineRole(import.meta.url, 'settlers', async ({ host, target }: { host: string; target: string }) => {
  const nodes = await Promise.all(Array.from({ length: ids }, () => strangerAt(host)))
  const outside = [...nodes]
  setInterval(() => {
    const node = outside.shift()
    if (node === undefined) return
    const comeBack = (): void => {
      outside.push(node)
    }
    dialAgain(node, target)
      .then((connection) => joinPool(connection))
      .then((pool) => {
        if (pool?.isOpen === true) pool.stream.addEventListener('close', comeBack, { once: true })
        else comeBack()
      }, comeBack)
  }, joinEveryMs)
  return { ids: (): string[] => nodes.map(({ peerId }) => peerId.toString()) }
})

async function fillTheHouse(lab: Lab) {
  const target = await lab.start(victim, {})
  const attacker = await lab.start(settlers, {
    host: attackerHost(9),
    target: `/ip4/${victimHost}/tcp/${tcpPort}/p2p/${await target.ask.id()}`
  })
  const theirs = new Set(await attacker.ask.ids())
  const running = async () => (await target.ask.facts()).running
  const ofAttacker = async (): Promise<number> => (await running()).filter(({ peerId }) => theirs.has(peerId)).length
  for (let began = performance.now(), held = 0; performance.now() - began < fillMs && held < ids; held = await ofAttacker())
    await pause(250)
  const before = await ofAttacker()
  const came: Newcomers = await newcomers(lab, target, { honest: honestHosts, trusted: 0, stayMs: laterMs })
  const { honest } = came
  return findingOf(
    {
      measured: `the attacker ran ${before} connections; honest ${honest.in} of ${honest.came} in (${honest.atOnce} at the first attempt)`,
      isMet: honest.in >= 26
    },
    shareOf(came.afterStay.running, theirs)
  )
}

function shareOf(running: readonly { readonly peerId: string }[], attackers: ReadonlySet<string>) {
  const count = running.filter(({ peerId }) => attackers.has(peerId)).length
  const percent = running.length === 0 ? 0 : Math.round((100 * count) / running.length)
  return {
    measured: `after 60 s ${count} of ${running.length} running unknown peers (${percent} %) are the attacker's`,
    isMet: percent <= 25
  }
}

export const slotRows: readonly Row[] = [
  {
    name: 'one-host-fills-the-house',
    attack: 'one host brings 63 ids, then 29 honest hosts come',
    target: "at least 26 in; after 60 s at most 25 % of running unknown peers are the attacker's",
    deadlineMs: 180_000,
    run: fillTheHouse
  }
]
