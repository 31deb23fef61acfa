/** What the colours and shapes mean, in words: filled once from the list of conditions, wherever index.html asks for it. */
import { conditionNames, conditions } from './conditions.ts'
import { el } from './dom.ts'

export function fillLegends(): void {
  for (const place of document.querySelectorAll('[data-legend]')) {
    place.append(
      ...conditionNames.map((name) =>
        el('li', { 'data-condition': name }, [
          el('span', { class: 'state-dot', 'aria-hidden': 'true' }),
          el('span', {}, [el('b', {}, [conditions[name].word]), `: ${conditions[name].meaning}`])
        ])
      )
    )
  }
}
