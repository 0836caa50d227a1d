/** Usual paths of a system's CA bundle, in the order in which they are tried. (libcloud/security.py) */
export const SYSTEM_PATHS: readonly string[] = [
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/certs/ca-certificates.crt',
  '/usr/local/share/certs/ca-root-nss.crt',
  '/opt/local/share/curl/curl-ca-bundle.crt',
  '/usr/local/etc/openssl/cert.pem',
]

/** Paths of PEM files; an array with Python's `append`. */
export class CertificatePaths extends Array<string> {
  /** The same as `push`, for one path. */
  append(path: string): void {
    this.push(path)
  }
}

/** How servers' certificates are verified, for all storages that are made afterwards. */
class Security {
  /** False accepts any certificate, with a process warning. */
  VERIFY_SSL_CERT = true
  #paths: CertificatePaths = CertificatePaths.from(SYSTEM_PATHS) as CertificatePaths

  /**
   * CA files: the first one that exists and contains a certificate is used. Files that are appended to the default list are tried first.
   */
  get CA_CERTS_PATH(): CertificatePaths {
    return this.#paths
  }

  /** Replaces the list; null restores the default one. */
  set CA_CERTS_PATH(paths: readonly string[] | string | null) {
    const list = paths === null ? SYSTEM_PATHS : typeof paths === 'string' ? [paths] : paths
    this.#paths = CertificatePaths.from(list) as CertificatePaths
  }
}

/**
 * Libcloud's module of that name: the trusted authorities. It affects the storages that are made afterwards; an entry's `ca_certs`
 * overrides it. The environment's `SSL_CERT_FILE` replaces the system's own files.
 * @example
 * import { security } from 'holdall/libcloud'
 * security.CA_CERTS_PATH.append('/path/to/your/cacerts.pem')
 */
export const security: Security = new Security()

/** The files that the program added to the system's own (`isWhole` false) or that replace them (`isWhole` true). */
export function chosenPaths(): { readonly own: readonly string[]; readonly isWhole: boolean } {
  const paths = [...security.CA_CERTS_PATH]
  const isLonger = SYSTEM_PATHS.every((path, index) => paths[index] === path)
  return isLonger ? { own: paths.slice(SYSTEM_PATHS.length), isWhole: false } : { own: paths, isWhole: true }
}
