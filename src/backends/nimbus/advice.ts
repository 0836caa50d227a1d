import type { GivenSettings } from '../../storage/types.ts'

/** Advice about settings: the public service is closed, and a key id that is set twice. */
export function nimbusAdvice({ settings, env }: GivenSettings): string[] {
  const given = (name: string): unknown => settings[name] ?? (env[name] || undefined)
  const notes: string[] = []
  const domain = given('NIMBUS_DOMAIN') ?? given('NIMBUS_IO_SERVICE_DOMAIN')
  if (given('NIMBUS_COLLECTION') !== undefined && (domain === undefined || domain === 'nimbus.io')) {
    notes.push(
      'NIMBUS_DOMAIN: the service at nimbus.io is closed and does not answer; name the domain of your own servers.',
    )
  }
  if (String(given('NIMBUS_USER') ?? '').includes(':') && given('NIMBUS_KEY_ID') !== undefined) {
    notes.push('NIMBUS_KEY_ID: it is not needed, since NIMBUS_USER has the number of the key.')
  }
  return notes
}
