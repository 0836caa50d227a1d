/** A token, and the addresses of the account that it is for. */
export interface Session {
  /** Goes into `x-auth-token`. Secret. */
  readonly token: string
  /** The account's address for transfers, without a trailing slash: `https://swift.example.com/v1/AUTH_1`. */
  readonly storageUrl: string
  /** The same on the public interface: for URLs, also where transfers go over an internal one. Without a trailing slash. */
  readonly publicUrl: string
  /** The account's address at the CDN of Rackspace, without a trailing slash; undefined where there is none. */
  readonly cdnUrl?: string | undefined
  /** By this machine's clock; undefined where the service does not report. */
  readonly expiresAt: Date | undefined
}
