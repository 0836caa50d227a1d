/** A token, and the addresses of the account that it is for. */
export interface Session {
  /** Goes into `x-auth-token`. Secret. */
  readonly token: string
  /** The account's address for transfers, without a trailing slash: `https://swift.example.com/v1/AUTH_1`. */
  readonly storageUrl: string
  /** The account's address on the public interface, without a trailing slash. For URLs, even if transfers use an internal interface. */
  readonly publicUrl: string
  /** The account's address at the CDN of Rackspace, without a trailing slash; undefined if there is none. */
  readonly cdnUrl?: string | undefined
  /** By this machine's clock; undefined if the service does not report it. */
  readonly expiresAt: Date | undefined
}
