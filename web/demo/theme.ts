/** Light, dark, or as the system says; remembered in this browser where it allows that. */
import { byId, setAttribute, setText } from './dom.ts'

/** The words on the button. */
const themes = ['Auto', 'Light', 'Dark'] as const
type Theme = (typeof themes)[number]
const key = 'p2p-pool-demo/theme'

export function listenForTheme(): void {
  const button = byId('theme', HTMLButtonElement)
  let theme: Theme = stored()
  const show = () => {
    setAttribute(document.documentElement, 'data-theme', theme === 'Auto' ? undefined : theme.toLowerCase())
    setText(button, theme)
    setAttribute(button, 'aria-label', `Theme: ${theme}`)
  }
  button.addEventListener('click', () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'Auto'
    store(theme)
    show()
  })
  show()
}

/** Browsers that block site data throw at the mere look at `localStorage`. */
function stored(): Theme {
  try {
    return themes.find((theme) => theme === localStorage.getItem(key)) ?? 'Auto'
  } catch {
    return 'Auto'
  }
}

function store(theme: Theme): void {
  try {
    localStorage.setItem(key, theme)
  } catch {
    return
  }
}
