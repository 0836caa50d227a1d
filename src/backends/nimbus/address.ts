/** How a service of Nimbus.io is reached. */
export interface NimbusPlace {
  /** Name of the service: `nimbus.io`. */
  readonly domain: string
  readonly port: number | null
  readonly secure: boolean
}

/** Where accounts and collections are managed, without a slash at its end. */
export function managementUrl(place: NimbusPlace): string {
  return urlOf(place, place.domain)
}

/** Where the files of a collection are: each has a host of its own. */
export function collectionUrl(place: NimbusPlace, collection: string): string {
  return urlOf(place, `${collection}.${place.domain}`)
}

function urlOf({ port, secure }: NimbusPlace, host: string): string {
  const isUsual = port === null || port === (secure ? 443 : 80)
  return `${secure ? 'https' : 'http'}://${host}${isUsual ? '' : `:${port}`}`
}
