/** What a value of the wrong kind is, for an error's words: its type, and what is to be done with a Promise or an answer. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value instanceof Promise) return 'a Promise (await it first)'
  if (value instanceof Response || value instanceof Request) return `a ${value.constructor.name} (give its body)`
  return typeof value
}
