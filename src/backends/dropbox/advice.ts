import type { GivenSettings } from '../../storage/types.ts'

/** Advice about settings: a token that expires, and settings without effect. */
export function dropboxAdvice({ settings, env }: GivenSettings): string[] {
  const has = (name: string): boolean => Boolean(settings[name] ?? env[name])
  const notes: string[] = []
  const renews = has('DROPBOX_OAUTH2_REFRESH_TOKEN')
  if (has('DROPBOX_OAUTH2_TOKEN') && !renews) {
    notes.push(
      'DROPBOX_OAUTH2_TOKEN: such a token ends after 4 hours, unless it was made before October 2021; ' +
        'set DROPBOX_OAUTH2_REFRESH_TOKEN, DROPBOX_APP_KEY and DROPBOX_APP_SECRET, which request new ones.',
    )
  }
  for (const name of ['DROPBOX_APP_KEY', 'DROPBOX_APP_SECRET']) {
    if (has(name) && !renews) notes.push(`${name}: it has no effect without DROPBOX_OAUTH2_REFRESH_TOKEN.`)
  }
  if (renews && has('DROPBOX_APP_KEY') && !has('DROPBOX_APP_SECRET')) {
    notes.push('DROPBOX_OAUTH2_REFRESH_TOKEN: without DROPBOX_APP_SECRET it works only if it was made by PKCE.')
  }
  return notes
}
