import { readFileSync, statSync } from 'node:fs'
import { nodeCrypto } from '../../core/builtin.ts'
import { warnOnce } from '../../core/warn.ts'
import { chosenPaths, SYSTEM_PATHS, security } from './security.ts'

/** The environment variable with the path of the trusted authorities. */
const VARIABLE = 'SSL_CERT_FILE'
const NONE = 'No CA Certificates were found in CA_CERTS_PATH.'

/**
 * The option `verify` of a storage: the path of a PEM file, false for no check, null for Node's own authorities. The first of: the entry's
 * own files, files that the program added to `security.CA_CERTS_PATH`, `SSL_CERT_FILE`, the system's own. Throws an `Error` with libcloud's
 * message if a configured file is unusable. Node's authorities are used only if no file was configured and the system has none.
 */
export function verification(
  given: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): boolean | string | null {
  if (given.length > 0) return first(given) ?? refused(given)
  if (!security.VERIFY_SSL_CERT) {
    warnOnce(
      'libcloud: VERIFY_SSL_CERT is false, so that any certificate is accepted and others may read what is sent.',
      'HOLDALL_UNVERIFIED',
    )
    return false
  }
  const { own, isWhole } = chosenPaths()
  const chosen = first(own)
  if (chosen !== undefined) return chosen
  if (isWhole) throw new Error(NONE)
  const named = env[VARIABLE]
  if (named) return first([named]) ?? refused([named], `${VARIABLE}: `)
  // Node adds these only to its own authorities.
  if (own.length === 0 && env['NODE_EXTRA_CA_CERTS']) return null
  const found = first(SYSTEM_PATHS)
  if (found === undefined && own.length > 0) throw new Error(NONE)
  return found ?? null
}

function first(paths: readonly string[]): string | undefined {
  return paths.find(isUsable)
}

/** Whether the file is readable and contains a certificate in PEM form. Node ignores everything after a damaged block. */
function isUsable(path: string): boolean {
  try {
    const [block] =
      /-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE)-----[^-]+-----END \1-----/.exec(readFileSync(path, 'latin1')) ?? []
    return block !== undefined && new (nodeCrypto().X509Certificate)(block).raw.length > 0
  } catch {
    return false
  }
}

/** Throws libcloud's error about the last of the files. (libcloud/security.py) */
function refused(paths: readonly string[], where = ''): never {
  const path = paths.at(-1)!
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new Error(`${where}Certificate file ${path} doesn't exist`)
  if (stats.isDirectory()) throw new Error(`${where}Certificate file can't be a directory`)
  throw new Error(`${where}Certificate file ${path} cannot be read, or holds no certificate in PEM form`)
}
