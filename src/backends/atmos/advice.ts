import type { GivenSettings } from '../../storage/types.ts'

/** Advice about settings of Atmos. */
export function atmosAdvice(given: GivenSettings): string[] {
  return adviceNamed('ATMOS', given)
}

/** Advice about settings of Ninefold, for example that the service is closed. */
export function ninefoldAdvice(given: GivenSettings): string[] {
  const { settings, env } = given
  const has = (name: string): boolean => Boolean(settings[name] ?? env[name])
  const notes = adviceNamed('NINEFOLD', given)
  if (has('NINEFOLD_USER') && !has('NINEFOLD_HOST')) {
    notes.push(
      'NINEFOLD_HOST: Ninefold closed in 2016 and api.ninefold.com is gone; name a host that has its files now.',
    )
  }
  return notes
}

function adviceNamed(prefix: string, { settings, env }: GivenSettings): string[] {
  const given = (name: string): unknown => settings[`${prefix}_${name}`] ?? (env[`${prefix}_${name}`] || undefined)
  const notes: string[] = []
  if (/^(?:false|0|no|off)$/i.test(String(given('SECURE') ?? ''))) {
    notes.push(`${prefix}_SECURE: without TLS the files can be read on their way; requests are signed all the same.`)
  }
  if (given('SIGN_PATH') !== undefined && given('PATH') === undefined && prefix === 'ATMOS') {
    notes.push('ATMOS_SIGN_PATH: it has no effect without ATMOS_PATH.')
  }
  return notes
}
