/** What can be changed while the pool runs, each with effect at once: the band; a look at it now; the state as a file. */
import type { ConnectionBand, PoolSnapshot } from '../../src/core/index.ts'
import { byId, setAttribute, setHidden, setText } from './dom.ts'
import { asSentence } from './explanation.ts'
import { shortId } from './format.ts'
import type { Page, Part } from './page.ts'

/** What the page itself can hold: a band above is a slip of the finger. */
const highest = 500

export function settingsPart(page: Page): Part {
  const form = byId('band-form', HTMLFormElement)
  const problem = byId('band-problem', HTMLParagraphElement)
  const inputs = (['min', 'expected', 'max'] as const).map((name) => byId(`band-${name}`, HTMLInputElement))
  const apply = byId('band-apply', HTMLButtonElement)
  const maintain = byId('maintain', HTMLButtonElement)
  let drawn = ''

  const wanted = (): ConnectionBand => {
    const [min, expected, max] = inputs.map((input) => (input.value.trim() === '' ? Number.NaN : Number(input.value)))
    return { min: min ?? Number.NaN, expected: expected ?? Number.NaN, max: max ?? Number.NaN }
  }
  const check = () => {
    const text = bandProblem(wanted())
    setText(problem, text)
    setHidden(problem, text === '')
    for (const input of inputs) setAttribute(input, 'aria-invalid', text === '' ? undefined : 'true')
    return text === ''
  }
  form.addEventListener('input', check)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (!check()) return
    const band = wanted()
    void page.notices.run('Could not change the band', async () => {
      await page.pool.setBand(band)
      page.notices.say({ text: `The pool keeps ${band.min} to ${band.max} connections from now on.` })
    })
  })
  maintain.addEventListener('click', () => void lookNow(page, maintain))
  byId('export', HTMLButtonElement).addEventListener('click', () => exportState(page))
  return {
    show({ snapshot: { band, status } }) {
      const key = `${band.min} ${band.expected} ${band.max}`
      // Not over what a person is typing.
      if (drawn !== key && !form.contains(document.activeElement)) {
        drawn = key
        inputs.forEach((input, index) => {
          input.value = String([band.min, band.expected, band.max][index])
        })
        check()
      }
      setAttribute(apply, 'disabled', status === 'stopped' || status === 'destroyed')
      setAttribute(maintain, 'disabled', status !== 'running' || maintain.getAttribute('aria-busy') === 'true')
    }
  }
}

/** What is wrong with a band, for the person who typed it; empty if nothing is. */
export function bandProblem({ min, expected, max }: ConnectionBand): string {
  if (![min, expected, max].every((value) => Number.isInteger(value) && value >= 0 && value <= highest))
    return `Three whole numbers from 0 to ${highest} are needed.`
  if (min > expected) return `The minimum (${min}) must not be above the expected number (${expected}).`
  return expected > max ? `The expected number (${expected}) must not be above the maximum (${max}).` : ''
}

/** It may take as long as some dials. */
async function lookNow({ pool, notices }: Page, button: HTMLButtonElement): Promise<void> {
  const label = button.textContent ?? ''
  setAttribute(button, 'aria-busy', 'true')
  setAttribute(button, 'disabled', true)
  setText(button, 'Running…')
  await notices.run('Maintenance failed', async () => {
    await pool.maintain()
    const { text } = await pool.explainBand()
    notices.say({ text: `Maintenance ran. ${asSentence(text)}` })
  })
  setText(button, label)
  setAttribute(button, 'aria-busy', undefined)
  setAttribute(button, 'disabled', false)
}

function exportState({ pool, notices }: Page): void {
  const snapshot = pool.snapshot()
  if (snapshot === undefined) {
    notices.say({ text: 'Nothing is known of the pool yet.' })
    return
  }
  const url = URL.createObjectURL(new Blob([stateAsJson(snapshot)], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = url
  link.download = fileName(snapshot)
  link.click()
  // The browser has taken it over by then, however large it is.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
  notices.say({ text: `Saved as ${link.download}. It names peers and addresses: look before you pass it on.` })
}

/** Everything that this page shows, for a bug report or a look with other tools. */
export function stateAsJson(snapshot: PoolSnapshot): string {
  return `${JSON.stringify({ what: 'p2p-pool snapshot', takenAt: new Date(snapshot.takenAt).toISOString(), snapshot }, undefined, 2)}\n`
}

function fileName({ peerId, takenAt }: PoolSnapshot): string {
  const time = new Date(takenAt).toISOString().slice(0, 19).replaceAll(':', '-')
  return `p2p-pool-${shortId(peerId).slice(1)}-${time}.json`
}
