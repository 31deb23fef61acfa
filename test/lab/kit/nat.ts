/**
 * The routers of the laboratory as nftables rules: four kinds of NAT, named as in RFC 3489, and a firewall. They differ for UDP alone, which
 * WebRTC uses; TCP gets out and only its answers get in.
 *
 * Linux keeps the source port where it is free, so one host behind `masquerade` has one public port for all destinations. The kinds that let
 * others in note which ports were used, and send what comes to one of them to the host. `nats.ts` checks that each does what its name says.
 */

export const natKinds = ['full-cone', 'address-restricted', 'port-restricted', 'symmetric'] as const
export type NatKind = (typeof natKinds)[number]

export type RouterKind = NatKind | 'only-443'

/** Names of a router's two interfaces. */
export const inside = 'lan'
export const outside = 'wan'

/** How long an unused mapping stays open. RFC 4787 asks for two minutes at least. */
const mappingTimeout = '2m'

/** What a router does for one host behind it; the text is for `nft -f`. `lost`: TCP packets of connections that the router does not know are answered by nobody. */
export function routerRules(kind: RouterKind, host: string): string {
  return `flush ruleset
table ip router {
  set ports { type inet_service; flags dynamic,timeout; timeout ${mappingTimeout}; }
  set pairs { type inet_service . ipv4_addr; flags dynamic,timeout; timeout ${mappingTimeout}; }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ${forwarding(kind).join('\n    ')}
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname "${outside}" drop
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    ${incoming(kind, host)}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${outside}" ${kind === 'symmetric' ? 'masquerade random,fully-random' : 'masquerade'}
  }
}
`
}

function forwarding(kind: RouterKind): string[] {
  const out = `iifname "${inside}"`
  // A packet in the middle of a connection that is not known is no begin of one: it is dropped, as firewalls do.
  const unknown = 'ct state new tcp flags & (fin|syn|rst|ack) != syn drop'
  const answers = 'ct state established,related accept'
  switch (kind) {
    case 'only-443':
      return [unknown, answers, `${out} tcp dport 443 accept`]
    case 'full-cone':
      return [`${out} meta l4proto udp update @ports { udp sport }`, unknown, answers, 'ct status dnat accept', `${out} accept`]
    case 'address-restricted':
      return [`${out} meta l4proto udp update @pairs { udp sport . ip daddr }`, unknown, answers, 'ct status dnat accept', `${out} accept`]
    case 'port-restricted':
    case 'symmetric':
      return [unknown, answers, `${out} accept`]
  }
}

function incoming(kind: RouterKind, host: string): string {
  if (kind === 'full-cone') return `iifname "${outside}" udp dport @ports dnat to ${host}`
  if (kind === 'address-restricted') return `iifname "${outside}" udp dport . ip saddr @pairs dnat to ${host}`
  return ''
}

/** Can two hosts send UDP to each other after exchanging what a STUN server sees of them? Both send at the same time. */
export function iceReaches(a: NatKind | 'public', b: NatKind | 'public'): boolean {
  const isHard = (kind: NatKind | 'public'): boolean => kind === 'symmetric' || kind === 'port-restricted'
  return !((a === 'symmetric' && isHard(b)) || (b === 'symmetric' && isHard(a)))
}
