import { pathToFileURL } from 'node:url'
import { ImproperlyConfigured } from '../core/errors.ts'

/** Runs code of the configuration. An error that it throws becomes one that names the file and, where it is known, the line. */
export async function loading<T>(file: string, work: () => T): Promise<Awaited<T>> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ImproperlyConfigured) throw error
    const line = lineOf(error, file)
    const place = line === undefined ? file : `${file}:${line}`
    const advice =
      line === undefined && error instanceof SyntaxError ? "; 'node --check' with the file shows where" : ''
    const cause = quotesSource(error) ? undefined : error
    throw new ImproperlyConfigured(`${place} could not be loaded: ${loadReason(error)}${advice}`, { cause })
  }
}

/** Returns why code could not be loaded. Source text that an engine quotes is left out: it may be a secret without its quotes. */
export function loadReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, message } = error as NodeJS.ErrnoException
  const missing = code === 'ERR_MODULE_NOT_FOUND' && /^Cannot find package '([^']+)'/.exec(message)?.[1]
  if (missing) return `the package '${missing}' is not installed here: npm install ${missing}`
  if (error instanceof SyntaxError && message.startsWith('Cannot use import statement outside a module')) {
    return `it is an ES module in a package of "type": "commonjs"; set "type": "module" in its package.json, or rename it to .mts or .mjs`
  }
  if (error instanceof ReferenceError) return 'a name is used there that is not defined'
  return error instanceof SyntaxError ? (FIXED.exec(message)?.[0] ?? 'there is a syntax error') : message
}

/** The fixed texts of engines for syntax errors, without or before quoted source. */
const FIXED =
  /^(?:Unexpected (?:token|identifier|number|string|end of input)|Invalid or unexpected token|TypeScript [\w ]+|The requested module '.*)/

/** Whether the message or the stack of an error may contain source text: then it must not be a cause, which is also printed. */
export function quotesSource(error: unknown): boolean {
  return error instanceof SyntaxError || error instanceof ReferenceError
}

/**
 * Returns the line of the file where an error occurred: the stack of a syntax error begins with it, and any other error has it in its
 * frames.
 */
function lineOf(error: unknown, file: string): string | undefined {
  const stack = error instanceof Error ? `\n${error.stack ?? ''}` : ''
  for (const name of [file, pathToFileURL(file).href]) {
    const at = stack.indexOf(`${name}:`)
    const line = at < 0 ? undefined : /^\d+/.exec(stack.slice(at + name.length + 1))?.[0]
    if (line !== undefined) return line
  }
  return undefined
}
