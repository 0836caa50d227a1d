import type { GivenSettings } from '../../storage/types.ts'

/** What settings should rather say: credentials that lose against others, and an ACL that makes every file public. */
export function gcsAdvice({ settings, env }: GivenSettings): string[] {
  const given = (name: string): unknown => settings[name] ?? (env[name] || undefined)
  const notes: string[] = []
  const hasHmac = given('GS_ACCESS_KEY_ID') !== undefined
  if (hasHmac && given('GS_CREDENTIALS') !== undefined)
    notes.push('GS_CREDENTIALS: it has no effect, since the HMAC key of GS_ACCESS_KEY_ID wins over it.')
  if (hasHmac && isOn(given('GS_AUTO_CREATE_BUCKET')))
    notes.push('GS_AUTO_CREATE_BUCKET: it has no effect with an HMAC key; create the bucket yourself.')
  if (given('GS_ENDPOINT_URL') !== undefined && env['STORAGE_EMULATOR_HOST'])
    notes.push('STORAGE_EMULATOR_HOST: it has no effect, since GS_ENDPOINT_URL wins over it.')
  if (/^public-?read/i.test(String(given('GS_DEFAULT_ACL') ?? '')))
    notes.push(
      'GS_DEFAULT_ACL: a bucket with uniform access, as new ones have it, refuses ACLs; make the bucket public and set GS_QUERYSTRING_AUTH to False instead.',
    )
  if (isOn(given('GS_IAM_SIGN_BLOB')) && hasHmac)
    notes.push('GS_IAM_SIGN_BLOB: it has no effect with an HMAC key, which signs URLs itself.')
  return notes
}

function isOn(value: unknown): boolean {
  return value === true || value === 1 || /^(?:true|1|yes|on)$/i.test(String(value))
}
