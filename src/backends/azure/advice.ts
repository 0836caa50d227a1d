import type { GivenSettings } from '../../storage/types.ts'

/** Advice about settings: credentials that are overridden by others, and URLs that no client could open. */
export function azureAdvice({ settings, env }: GivenSettings): string[] {
  const given = (name: string): unknown => settings[name] ?? (env[name] || undefined)
  const notes: string[] = []
  const credentials = ['AZURE_CONNECTION_STRING', 'AZURE_ACCOUNT_KEY', 'AZURE_SAS_TOKEN', 'AZURE_TOKEN_CREDENTIAL']
  const [first, ...others] = credentials.filter(name => given(name) !== undefined)
  for (const name of others) notes.push(`${name}: it has no effect, since ${first} wins over it.`)
  if (isOn(given('AZURE_EMULATED_MODE'))) {
    if (first === 'AZURE_CONNECTION_STRING')
      notes.push('AZURE_EMULATED_MODE: it has no effect, since AZURE_CONNECTION_STRING wins over it.')
    else if (first !== undefined)
      notes.push(`${first}: it has no effect in AZURE_EMULATED_MODE, which has its own account.`)
  }
  const life = given('AZURE_URL_EXPIRATION_SECS')
  if (first === undefined || isOn(given('AZURE_EMULATED_MODE'))) return notes
  if (life === undefined || life === null || life === '0' || life === 0) {
    // If OPTIONS set the container, they may also set the lifetime of its URLs.
    if (given('AZURE_CONTAINER') === undefined) return notes
    notes.push('AZURE_URL_EXPIRATION_SECS: without it URLs are plain, and work only for publicly readable containers.')
  } else if (first === 'AZURE_SAS_TOKEN') {
    notes.push(
      'AZURE_URL_EXPIRATION_SECS: a SAS token cannot sign URLs; set AZURE_ACCOUNT_KEY or AZURE_TOKEN_CREDENTIAL.',
    )
  }
  return notes
}

function isOn(value: unknown): boolean {
  return value === true || value === 1 || /^(?:true|1|yes|on)$/i.test(String(value))
}
