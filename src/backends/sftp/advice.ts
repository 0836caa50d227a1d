import type { GivenSettings } from '../../storage/types.ts'

/** Advice about settings. */
export function sftpAdvice({ settings, env }: GivenSettings): string[] {
  const given = (name: string): unknown => settings[name] ?? (env[name] || undefined)
  const notes: string[] = []
  const host = given('SFTP_STORAGE_HOST')
  const isPinned = given('SFTP_HOST_KEY') !== undefined || given('SFTP_KNOWN_HOST_FILE') !== undefined
  const accepts = `${given('SFTP_UNKNOWN_HOSTS') ?? ''}` === 'accept'
  if (host !== undefined && !isPinned && !accepts) {
    notes.push(
      'SFTP_STORAGE_HOST: django-storages accepts servers that it does not know, and Holdall does not. Unless it is there, add its key: ' +
        `ssh-keyscan ${typeof host === 'string' ? host : '<host>'} >> ~/.ssh/known_hosts`,
    )
  }
  if (accepts) {
    notes.push(
      'SFTP_UNKNOWN_HOSTS: an attacker on the network can pose as the server; set its key in SFTP_HOST_KEY or a known_hosts file instead.',
    )
  }
  if (isOn(given('SFTP_STORAGE_INTERACTIVE'))) {
    notes.push('SFTP_STORAGE_INTERACTIVE: a server process has no person who can answer; use it for commands only.')
  }
  return notes
}

function isOn(value: unknown): boolean {
  return value === true || value === 1 || /^(?:true|1|yes|on)$/i.test(String(value))
}
