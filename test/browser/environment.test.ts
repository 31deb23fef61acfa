import { clear, createStore, get, set } from 'idb-keyval'
import { expect, it } from 'vitest'
import { server } from 'vitest/browser'

it('the browser tests run in a real browser, the one that is named, with WebRTC, Web Locks and WebCrypto', async () => {
  expect(navigator.userAgent).toMatch(server.browser === 'firefox' ? / Firefox\/\d+/ : /Chrome\/\d+/)
  const connection = new RTCPeerConnection()
  connection.createDataChannel('probe')
  const offer = await connection.createOffer()
  connection.close()
  expect(offer.sdp).toContain('m=application')
  expect(await navigator.locks.request('probe', (lock) => lock?.mode)).toBe('exclusive')
  expect((await crypto.subtle.digest('SHA-256', new Uint8Array())).byteLength).toBe(32)
})

it('IndexedDB keeps what was written, bytes included', async () => {
  const store = createStore('environment-test', 'values')
  await set('key', { bytes: new Uint8Array([1, 2, 3]) }, store)
  expect(await get('key', store)).toEqual({ bytes: new Uint8Array([1, 2, 3]) })
  await clear(store)
  expect(await get('key', store)).toBeUndefined()
})
