/**
 * Characters that a text of others must not bring into a log, a terminal or a line of a page: they steer, hide or turn what is written.
 * All of Unicode's category C (controls, format characters such as marks of direction and tags, lone surrogates, private and unassigned
 * ones), and the separators of lines and paragraphs. In runs.
 */
export const unprintable = /[\p{C}\p{Zl}\p{Zp}]+/gu

/** Shows them as `\uXXXX`, one for each UTF-16 unit, which JSON reads back inside its strings. */
export function escapeUnprintable(text: string): string {
  return text.replace(unprintable, (run) => run.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`))
}
