/** Tries work so many times; the error of the last names all that went wrong, with their logs. */
export async function retried<T>(what: string, times: number, work: (attempt: number) => Promise<T>): Promise<T> {
  const failures: string[] = []
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      failures.push(
        `--- try ${attempt} of ${times}\n${error instanceof Error ? (error.stack ?? error.message) : error}`,
      )
      if (attempt >= times) throw new Error(`${what} failed ${times} times\n${failures.join('\n')}`, { cause: error })
    }
  }
}
