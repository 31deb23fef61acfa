/** Light, dark, or as the system says; remembered in this browser where it allows that. */
import { byId, setAttribute, setText } from './dom.ts'
import { recall, remember } from './remembered.ts'

/** The words on the button. */
const themes = ['Auto', 'Light', 'Dark'] as const
type Theme = (typeof themes)[number]
const key = 'theme'

export function listenForTheme(): void {
  const button = byId('theme', HTMLButtonElement)
  let theme: Theme = themes.find((one) => one === recall(key)) ?? 'Auto'
  const show = () => {
    setAttribute(document.documentElement, 'data-theme', theme === 'Auto' ? undefined : theme.toLowerCase())
    setText(button, theme)
    setAttribute(button, 'aria-label', `Theme: ${theme}`)
  }
  button.addEventListener('click', () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'Auto'
    remember(key, theme)
    show()
  })
  show()
}
