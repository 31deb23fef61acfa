// A go-libp2p host with its defaults, over TCP alone: noise, yamux, identify and ping.
//
//	stranger SEED ADDRESS...
//
// SEED is the 32 bytes of an Ed25519 key in hex. It prints each address that others can dial, and ends when its standard input does.
package main

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

func main() {
	seed, err := hex.DecodeString(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	stdKey := ed25519.NewKeyFromSeed(seed)
	key, _, err := crypto.KeyPairFromStdKey(&stdKey)
	if err != nil {
		log.Fatal(err)
	}
	host, err := libp2p.New(
		libp2p.Identity(key),
		libp2p.ListenAddrStrings(os.Args[2:]...),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(noise.ID, noise.New),
		libp2p.DisableRelay(),
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, address := range host.Addrs() {
		fmt.Printf("listening %s/p2p/%s\n", address, host.ID())
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}
