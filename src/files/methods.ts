/** Adds methods to a prototype like a class body: not enumerable. For names that a declaration file cannot compute. */
export function methods(
  prototype: object,
  added: Readonly<Record<symbol, (this: never, ...args: never[]) => unknown>>,
): void {
  for (const name of Object.getOwnPropertySymbols(added)) {
    Object.defineProperty(prototype, name, { value: added[name], writable: true, configurable: true })
  }
}
