/**
 * The first `max` characters of a text, copied. To be used for every text of others that is cut and kept: V8's `slice` gives a view that
 * keeps all of the original in memory, and a text of the application may be such a view.
 */
export function cutText(text: string, max: number): string {
  return [...text.slice(0, max)].join('')
}
