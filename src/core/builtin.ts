/**
 * Modules of Node that are dear to load (`node:crypto` alone takes some 10 ms as an import), got at first use instead.
 * (https://nodejs.org/api/process.html#processgetbuiltinmoduleid)
 */

/** `node:crypto`. */
export function nodeCrypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto')
}

/** `node:util`. */
export function nodeUtil(): typeof import('node:util') {
  return process.getBuiltinModule('node:util')
}

/** `node:module`. */
export function nodeModule(): typeof import('node:module') {
  return process.getBuiltinModule('node:module')
}

/** Key of the method that `util.inspect` calls, the same as `inspect.custom`. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never
