import type { GivenSettings } from '../../storage/types.ts'
import { type FtpLocation, parseLocation } from './location.ts'

/** Advice about a configuration: unencrypted passwords, active mode, and settings whose effect differs from django-storages. */
export function ftpAdvice({ settings, env }: GivenSettings): string[] {
  const given = (name: string): unknown => settings[name] ?? (env[name] || undefined)
  const key = given('FTP_STORAGE_LOCATION') === undefined ? 'LOCATION' : 'FTP_STORAGE_LOCATION'
  const location = locationOf(given(key))
  if (location === undefined) return []
  const notes: string[] = []
  if (location.scheme !== 'ftps' && !isOwnMachine(location.host))
    notes.push(
      `${key}: the password and all files go over the network in the clear; write ftps:// if the server has TLS.`,
    )
  if (location.scheme === 'aftp')
    notes.push(
      `${key}: in active mode the server connects to this machine, which firewalls and NAT prevent; ftp:// needs no such connection.`,
    )
  if (given('FTP_STORAGE_ENCODING') === undefined)
    notes.push(
      'FTP_STORAGE_ENCODING: names are UTF-8; files that django-storages stored under names with accents need latin-1.',
    )
  return notes
}

function locationOf(url: unknown): FtpLocation | undefined {
  try {
    return typeof url === 'string' ? parseLocation(url) : undefined
  } catch {
    return undefined
  }
}

function isOwnMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
