/** Who is here, and how they are connected. */
import type { SharedPool } from 'p2p-pool/web'
import type { Awareness } from 'y-protocols/awareness'
import type { PoolProvider } from '../provider/pool-provider.ts'
import { personOf } from './person.ts'

/** The rest is a number. */
const maxShown = 8

export class People {
  readonly #list: HTMLElement
  readonly #awareness: Awareness

  constructor(list: HTMLElement, awareness: Awareness) {
    this.#list = list
    this.#awareness = awareness
    awareness.on('change', () => this.#draw())
    this.#draw()
  }

  #draw(): void {
    const { clientID } = this.#awareness
    const others = [...this.#awareness.getStates()].filter(([client]) => client !== clientID).sort(([a], [b]) => a - b)
    const items = others.slice(0, maxShown).map(([client, state]) => {
      const { name, color, ink } = personOf(client, state)
      return item(name, color, ink)
    })
    if (others.length > maxShown) items.push(item(`and ${others.length - maxShown} more`))
    if (others.length === 0) items.push(item('Nobody else yet'))
    this.#list.replaceChildren(...items)
  }
}

function item(text: string, color?: string, ink?: string): HTMLElement {
  const element = document.createElement('li')
  element.textContent = text
  if (color === undefined || ink === undefined) {
    element.className = 'nobody'
  } else {
    element.dataset.testid = 'person'
    element.style.setProperty('--color', color)
    element.style.setProperty('--ink', ink)
  }
  return element
}

export interface StatusParts {
  readonly provider: PoolProvider
  readonly pool: SharedPool
  readonly line: HTMLElement
  readonly server: HTMLElement
  readonly size: HTMLElement
}

export class Status {
  readonly #parts: StatusParts
  #problem = ''

  constructor(parts: StatusParts) {
    this.#parts = parts
    const { provider, pool } = parts
    const draw = (): void => this.#draw()
    for (const event of ['status', 'synced', 'peers'] as const) provider.on(event, draw)
    provider.on('refused', ({ reason }) => {
      this.#problem = `Not everything is shared: ${reason}.`
      draw()
    })
    pool.addEventListener('change', draw)
    pool.addEventListener('role-changed', draw)
    provider.doc.on('update', draw)
    for (const event of ['online', 'offline']) addEventListener(event, draw)
    draw()
  }

  #draw(): void {
    const { provider, pool, line, server, size } = this.#parts
    const connections = pool.snapshot()?.connections ?? []
    const hasServer = connections.some(({ transport }) => transport === 'ws')
    const browsers = connections.length - connections.filter(({ transport }) => transport === 'ws').length
    const phase = this.#problem !== '' ? 'problem' : provider.connected ? 'connected' : provider.synced ? 'tabs' : 'alone'
    document.body.dataset.phase = phase
    line.textContent = this.#problem || sentence(phase, browsers)
    server.dataset.there = String(hasServer)
    server.textContent = hasServer ? 'Server connected' : browsers > 0 ? 'Server gone; editing goes on' : 'No server'
    const { length } = provider.doc.getText('text')
    size.textContent = `${length.toLocaleString('en')} ${length === 1 ? 'character' : 'characters'}`
  }
}

function sentence(phase: string, browsers: number): string {
  if (!navigator.onLine) return 'This device is offline'
  if (phase === 'connected')
    return browsers === 1 ? 'Live with one other browser' : browsers === 0 ? 'Live' : `Live with ${browsers} other browsers`
  return phase === 'tabs' ? 'Live with your other tabs' : 'Waiting for others to join'
}
