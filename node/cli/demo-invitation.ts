/** How the check and the pictures bring a page in by an invitation: through the buttons and fields, as people do. */
import { eventually } from './demo-facts.ts'
import type { DemoTab } from './demo-tab.ts'

/** Has a page make an invitation; its link. */
export async function linkOf({ page, name }: DemoTab): Promise<string> {
  await page.locator('[data-action="invite"]').click()
  return eventually(async () => (await page.getByTestId('copy-link').getAttribute('data-copy')) || undefined, {
    expected: `${name} to make an invitation`,
    seen: () => page.locator('#invite').innerText()
  })
}

/** The answer that a newcomer shows, where nothing leads to the page that invited it. */
export function answerOf({ page, name }: DemoTab): Promise<string> {
  return eventually(async () => (await page.getByTestId('join-answer').inputValue()) || undefined, {
    expected: `${name} to show an answer to carry back`,
    seen: () => page.locator('#invite').innerText()
  })
}

export async function takeAnswer({ page }: DemoTab, answer: string): Promise<void> {
  await page.getByTestId('invite-answer').fill(answer)
  await page.locator('[data-action="take-answer"]').click()
}

export async function isJoined({ page, name }: DemoTab): Promise<void> {
  await eventually(async () => ((await page.getByTestId('join-result').getAttribute('data-result')) === 'good' ? true : undefined), {
    expected: `${name} to say that it joined`,
    seen: () => page.locator('#invite').innerText()
  })
}
