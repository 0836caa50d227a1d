/** Describes a value of a wrong type for an error message: its type, and how to use a Promise or an answer correctly. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value instanceof Promise) return 'a Promise (await it first)'
  if (value instanceof Response || value instanceof Request) return `a ${value.constructor.name} (pass its body)`
  return typeof value
}
