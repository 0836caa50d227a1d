/** The address of a Nimbus.io service. */
export interface NimbusPlace {
  /** Domain of the service: `nimbus.io`. */
  readonly domain: string
  readonly port: number | null
  readonly secure: boolean
}

/** The address for managing accounts and collections, without a slash at its end. */
export function managementUrl(place: NimbusPlace): string {
  return urlOf(place, place.domain)
}

/** The address of a collection's files: each collection has its own host. */
export function collectionUrl(place: NimbusPlace, collection: string): string {
  return urlOf(place, `${collection}.${place.domain}`)
}

function urlOf({ port, secure }: NimbusPlace, host: string): string {
  const isUsual = port === null || port === (secure ? 443 : 80)
  return `${secure ? 'https' : 'http'}://${host}${isUsual ? '' : `:${port}`}`
}
