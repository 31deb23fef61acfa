/** A key and a certificate that it signed itself, for the name `peer.example`, from 2020 to 2120. For tests; it protects nothing. */
export const certifiedName = 'peer.example'

export const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgvEqgdNDlZ4pJQaB2
0Dfh0fEEAkPtC6DLaFs5/Qwzqp2hRANCAAR2sJaQ8sp/fWSCpNOblNdeQL3/81WR
igbr8cW0xfoK3DekLkDmY2Rsi/dOMxKkSdD4ttMt8AzMcyaq0e5Bua6N
-----END PRIVATE KEY-----
`

export const cert = `-----BEGIN CERTIFICATE-----
MIIBRzCB7qADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMTDHBlZXIuZXhh
bXBsZTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFzEVMBMGA1UE
AxMMcGVlci5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdrCWkPLK
f31kgqTTm5TXXkC9//NVkYoG6/HFtMX6Ctw3pC5A5mNkbIv3TjMSpEnQ+LbTLfAM
zHMmqtHuQbmujaMpMCcwDAYDVR0TBAUwAwEB/zAXBgNVHREEEDAOggxwZWVyLmV4
YW1wbGUwCgYIKoZIzj0EAwIDSAAwRQIgCU/k5ErzC9NkUAEq3RZJjapSZhLd4t1x
7L82vmdhayQCIQCkY51hv4G5jg1nw/EY4RkWWG+rjeHjWYV9x5PIYrlWew==
-----END CERTIFICATE-----
`
