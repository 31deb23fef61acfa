//! A rust-libp2p swarm with its defaults, over TCP: noise, yamux, identify and ping. It closes connections on which nothing runs
//! after ten seconds, as rust-libp2p does unless it is told otherwise.
//!
//!     stranger SEED ADDRESS...
//!
//! SEED is the 32 bytes of an Ed25519 key in hex. It prints each address that others can dial, and ends when its standard input does.
use futures::StreamExt;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, SwarmBuilder, identify, identity::Keypair, noise, ping, tcp, yamux};
use std::error::Error;
use tokio::io::AsyncReadExt;

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut seed = bytes_of(&arguments.next().ok_or("no seed")?)?;
    let mut swarm = SwarmBuilder::with_existing_identity(Keypair::ed25519_from_bytes(&mut seed)?)
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|key| Behaviour {
            identify: identify::Behaviour::new(identify::Config::new("/stranger/1.0.0".into(), key.public())),
            ping: ping::Behaviour::default(),
        })?
        .build();
    for address in arguments {
        swarm.listen_on(address.parse::<Multiaddr>()?)?;
    }
    let mut input = tokio::io::stdin();
    let mut unused = [0; 64];
    loop {
        tokio::select! {
            event = swarm.select_next_some() => {
                if let SwarmEvent::NewListenAddr { address, .. } = event {
                    println!("listening {address}/p2p/{}", swarm.local_peer_id());
                }
            }
            read = input.read(&mut unused) => if read? == 0 { return Ok(()) },
        }
    }
}

fn bytes_of(hex: &str) -> Result<Vec<u8>, std::num::ParseIntError> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16)).collect()
}
