"""A py-libp2p host with its defaults, over TCP: noise, yamux, identify and ping.

    stranger.py SEED ADDRESS...

SEED is the 32 bytes of an Ed25519 key in hex. It prints each address that others can dial, and ends when its standard input does.
"""

import sys

import multiaddr
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair


async def main(seed: str, *listen: str) -> None:
    host = new_host(key_pair=create_new_key_pair(bytes.fromhex(seed)))
    async with host.run(listen_addrs=[multiaddr.Multiaddr(address) for address in listen]):
        for address in listen:
            print(f"listening {address}/p2p/{host.get_id()}", flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)


trio.run(main, *sys.argv[1:])
