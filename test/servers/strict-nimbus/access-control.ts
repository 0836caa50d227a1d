/** Access control of a collection: a JSON document that says who may do what without a signature. */
import { NimbusError } from './errors.ts'

export type AccessKind = 'read' | 'write' | 'list' | 'delete'

/** A document that was checked. */
export type AccessControl = Readonly<Record<string, unknown>>

const FLAGS = ['allow_unauth_read', 'allow_unauth_write', 'allow_unauth_list', 'allow_unauth_delete']
const LISTS = ['ipv4_whitelist', 'unauth_referrer_whitelist', 'locations']
const MOST_BYTES = 16 * 1024

/** The document of a body; 400 with a list of what is wrong with it. */
export function readAccessControl(body: Buffer): AccessControl {
  const refuse = (...list: string[]): NimbusError => {
    return new NimbusError(400, 'The access control is not valid.', { success: false, error_list: list })
  }
  if (body.length > MOST_BYTES) throw refuse('too large')
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    throw refuse('not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('not an object')
  const errors: string[] = []
  const document = value as Record<string, unknown>
  if (document['version'] !== '1.0') errors.push('version is not 1.0')
  for (const [name, part] of Object.entries(document)) {
    if (name === 'version') continue
    if (FLAGS.includes(name)) {
      if (typeof part !== 'boolean') errors.push(`${name} is not a boolean`)
    } else if (LISTS.includes(name)) {
      if (part !== null && !Array.isArray(part)) errors.push(`${name} is not a list`)
    } else errors.push(`${name} is not known`)
  }
  if (errors.length > 0) throw refuse(...errors)
  return document
}

/** Whether everyone may do that. */
export function isOpen(control: AccessControl | undefined, kind: AccessKind): boolean {
  return control?.[`allow_unauth_${kind}`] === true
}

/** 403 where the collection is for other addresses only; the client is on the loopback here. */
export function needAddress(control: AccessControl | undefined): void {
  const list = control?.['ipv4_whitelist']
  if (!Array.isArray(list) || list.some(one => /^127\.|^0\.0\.0\.0\/0$/.test(String(one)))) return
  throw new NimbusError(403, 'The address is not allowed.')
}
