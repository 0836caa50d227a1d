import { ImproperlyConfigured, StorageError } from '../../../core/errors.ts'
import { filepathToUri } from '../../../core/urls.ts'
import { CustomDomain, checkCustomDomain, searchOf, type UrlQuery } from '../../../remote/custom-domain.ts'
import {
  type CloudFrontCookies,
  type CloudFrontLimits,
  CloudFrontSigner,
  policyText,
} from '../../../remote/sign/cloudfront.ts'
import type { S3Options, UrlSigner } from '../settings/settings.ts'

/** The options for files on a custom domain. */
export type CustomDomainOptions = Pick<
  S3Options,
  'customDomain' | 'urlProtocol' | 'querystringAuth' | 'cloudfrontKeyId' | 'cloudfrontKey' | 'cloudfrontSigner'
>

/** Refuses an incomplete CloudFront key, and a domain that is more than a host and a path. */
export function checkCloudFront({ customDomain, cloudfrontKeyId, cloudfrontKey }: CustomDomainOptions): void {
  if ((cloudfrontKeyId === null) !== (cloudfrontKey === null)) {
    throw new ImproperlyConfigured(
      'Both AWS_CLOUDFRONT_KEY_ID/cloudfront_key_id and AWS_CLOUDFRONT_KEY/cloudfront_key must be provided together.',
    )
  }
  checkCustomDomain(customDomain, 'AWS_S3_CUSTOM_DOMAIN/custom_domain', 'AWS_S3_URL_PROTOCOL')
}

/** A custom domain in front of the bucket, with or without CloudFront's signatures. */
export class CloudFrontDomain extends CustomDomain {
  readonly #isOpen: boolean
  readonly #options: CustomDomainOptions
  #signer: UrlSigner | null | undefined

  constructor(domain: string, options: CustomDomainOptions) {
    super(domain, options.urlProtocol)
    this.#isOpen = !options.querystringAuth
    this.#options = options
  }

  /** Whether its URLs are signed. */
  get signs(): boolean {
    return !this.#isOpen && this.#cloudfront() !== null
  }

  /**
   * The URL of a key, signed unless `querystringAuth` is off or there is no CloudFront key. Without a signature, limits are `unsupported`,
   * and `expiresAt` is not called.
   */
  limitedUrl(key: string, query: UrlQuery, limits: Omit<CloudFrontLimits, 'expiresAt'>, expiresAt: () => Date): string {
    const signer = this.#isOpen ? null : this.#cloudfront()
    if (signer !== null) {
      return signer.url(this.base + literal(key) + searchOf(query), { ...limits, expiresAt: expiresAt() })
    }
    if (limits.startsAt === undefined && limits.ipAddress === undefined) return this.url(key, query)
    throw new StorageError('unsupported', 'Only signed CloudFront URLs have a start or an address.')
  }

  /** The cookies for a key, or for all keys below a folder: `folder/*`. Code `improperly_configured` without a CloudFront key. */
  cookies(key: string, limits: CloudFrontLimits): CloudFrontCookies {
    const signer = this.#cloudfront()
    if (signer?.cookies === undefined) {
      throw new ImproperlyConfigured('Cookies need AWS_CLOUDFRONT_KEY_ID and AWS_CLOUDFRONT_KEY.')
    }
    if (key !== '*' && !key.endsWith('/*')) return signer.cookies(this.base + literal(key), limits)
    const url = `${this.base}${literal(key.slice(0, -1))}*`
    return signer.cookies(url, { policy: policyText(url, limits) })
  }

  #cloudfront(): UrlSigner | null {
    if (this.#signer === undefined) {
      const { cloudfrontSigner, cloudfrontKeyId, cloudfrontKey } = this.#options
      const pem = cloudfrontKey?.replaceAll('\\n', '\n')
      const made = cloudfrontKeyId && pem ? new CloudFrontSigner({ keyId: cloudfrontKeyId, privateKey: pem }) : null
      this.#signer = cloudfrontSigner === undefined ? made : cloudfrontSigner
    }
    return this.#signer
  }
}

/** The path of a key, with the wildcards of a CloudFront policy escaped. */
function literal(key: string): string {
  return filepathToUri(key).replaceAll('*', '%2A')
}
