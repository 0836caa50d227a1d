/** Scripts for Debian's own Python, which talk to a server of the tests. */
import { join } from 'node:path'
import { daemonPath, needPackages } from '../../servers/debian.ts'
import { runChild } from '../../support/child.ts'

/** Debian's own Python, not whatever PATH finds first. */
const PYTHON = '/usr/bin/python3'

/** Installs Apache Libcloud unless it is there; throws when that fails. */
export async function needLibcloud(): Promise<void> {
  await needPackages(['python3-libcloud'])
}

/**
 * Runs a script of this folder, with a JSON value as its input, and returns what it printed. It knows no proxy and gets 120 seconds;
 * rejects when it ends with another code than 0, with all that it printed.
 */
export async function runScript(script: string, input: unknown): Promise<string> {
  const path = join(import.meta.dirname, script)
  const env = { PATH: daemonPath, LANG: 'C.UTF-8', no_proxy: '*' }
  const parameters = ['-W', 'ignore', '-B', '-X', 'utf8', path]
  const { stdout } = await runChild(PYTHON, parameters, { env, input: JSON.stringify(input), timeoutMs: 120_000 })
  return stdout
}

/** The lines of a script that checks, in two lists; what else it printed is not there. */
export function verdicts(printed: string): { readonly passed: string[]; readonly failed: string[] } {
  const after = (word: string): string[] =>
    printed.split('\n').flatMap(line => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []))
  return { passed: after('PASS'), failed: after('FAIL') }
}
