import { resolve } from 'node:path'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { activeSettings, type Origin } from '../../core/settings.ts'
import { rootedUrl, withSlash } from '../../core/urls.ts'
import type { GivenSettings, Services } from '../../storage/types.ts'
import type { LocalOptions } from './settings.ts'

/**
 * Refuses a storage of static files that has no folder or URL, or shares them with media files. (Django `staticfiles.utils.check_settings`)
 */
export function checkStaticPlace(
  { options, origins }: { readonly options: LocalOptions; readonly origins: Readonly<Record<string, Origin>> },
  services: Services,
): void {
  const { location, baseUrl } = options
  if (location === '') {
    throw new ImproperlyConfigured('Static files need the setting STATIC_ROOT: the folder that they are collected in.')
  }
  if (baseUrl === null || baseUrl === '') {
    throw new ImproperlyConfigured('Static files need the setting STATIC_URL: the URL that they are served below.')
  }
  // The option gets its slash, as in Django.
  const { from, key } = origins['baseUrl']!
  if (from !== 'option' && !baseUrl.endsWith('/')) throw new ImproperlyConfigured(noSlash(key, baseUrl))
  const given = givenBy({ settings: services.settings ?? activeSettings(), env: services.env ?? process.env })
  const [mediaRoot, mediaUrl] = [given('MEDIA_ROOT'), given('MEDIA_URL')]
  if (mediaUrl !== undefined && withSlash(rootedUrl(mediaUrl)) === withSlash(baseUrl))
    throw same('MEDIA_URL', 'STATIC_URL', baseUrl)
  if (mediaRoot !== undefined && resolve(mediaRoot) === resolve(location))
    throw same('MEDIA_ROOT', 'STATIC_ROOT', location)
}

/** Advice about a STATIC_URL that storages and templates could not append a name to. (Django's check `urls.E006`) */
export function staticAdvice(sources: GivenSettings): string[] {
  const url = givenBy(sources)('STATIC_URL')
  return url === undefined || url.endsWith('/') ? [] : [noSlash('STATIC_URL', url)]
}

function givenBy({ settings, env }: GivenSettings): (name: string) => string | undefined {
  return name => {
    const value = settings[name] ?? env[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
}

function noSlash(key: string, url: string): string {
  return `${key}: expected a URL that ends in a slash, got '${url}'.`
}

function same(media: string, own: string, value: string): ImproperlyConfigured {
  return new ImproperlyConfigured(
    `The ${media} and ${own} settings must have different values, and both are '${value}'.`,
  )
}
