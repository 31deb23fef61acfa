/** The traffic of all connections together: a small chart of the last minute and the rates of now, above the picture. */
import { byId, setText } from './dom.ts'
import type { Page, Part } from './page.ts'
import { rateWords, spark } from './spark.ts'

export function trafficPart({ rates }: Pick<Page, 'rates'>): Part {
  const words = byId('traffic-words', HTMLSpanElement)
  const chart = spark()
  byId('traffic-chart', HTMLSpanElement).append(chart.element)
  return {
    show() {
      chart.show(rates.all)
      setText(words, rateWords(rates.all.at(-1)))
    }
  }
}
