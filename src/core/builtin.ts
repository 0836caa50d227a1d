/**
 * Node modules that are expensive to load (TLS takes some 15 ms); they are loaded at their first use.
 * (https://nodejs.org/api/process.html#processgetbuiltinmoduleid)
 */

let crypto: typeof import('node:crypto') | undefined

/** `node:crypto`. */
export function nodeCrypto(): typeof import('node:crypto') {
  crypto ??= process.getBuiltinModule('node:crypto')
  return crypto
}

/** `node:tls`. */
export function nodeTls(): typeof import('node:tls') {
  return process.getBuiltinModule('node:tls')
}

/** `node:net`. */
export function nodeNet(): typeof import('node:net') {
  return process.getBuiltinModule('node:net')
}

/** `node:http`. */
export function nodeHttp(): typeof import('node:http') {
  return process.getBuiltinModule('node:http')
}

/** `node:https`. */
export function nodeHttps(): typeof import('node:https') {
  return process.getBuiltinModule('node:https')
}

/** `node:util`. */
export function nodeUtil(): typeof import('node:util') {
  return process.getBuiltinModule('node:util')
}

/** `node:zlib`. */
export function nodeZlib(): typeof import('node:zlib') {
  return process.getBuiltinModule('node:zlib')
}

/** `node:async_hooks`. */
export function nodeAsyncHooks(): typeof import('node:async_hooks') {
  return process.getBuiltinModule('node:async_hooks')
}

/** `node:worker_threads`. */
export function nodeWorkerThreads(): typeof import('node:worker_threads') {
  return process.getBuiltinModule('node:worker_threads')
}

/** `node:module`. */
export function nodeModule(): typeof import('node:module') {
  return process.getBuiltinModule('node:module')
}

/** Key of the method that `util.inspect` calls, the same as `inspect.custom`. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never
