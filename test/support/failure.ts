/** How a call fails, whichever way it says so. */

/** What a call threw, or its promise rejected with; and whether it threw at once. */
export async function failureOf(work: () => unknown): Promise<{ error: unknown; threw: boolean }> {
  let result: unknown
  try {
    result = work()
  } catch (error) {
    return { error, threw: true }
  }
  const error = await Promise.resolve(result).then(
    () => undefined,
    (reason: unknown) => reason
  )
  return { error, threw: false }
}
