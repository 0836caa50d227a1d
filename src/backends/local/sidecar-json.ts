import { isUtf8 } from 'node:buffer'
import { ATTRIBUTES } from '../../core/attributes.ts'
import type { FileAttributes } from '../../core/driver.ts'

/** Characters that a header cannot contain (RFC 9110, section 5.5). */
const UNSAFE = /[\u0000-\u0008\u000a-\u001f\u007f]/

/**
 * The attributes in the JSON of a sidecar. It is untrusted: only known fields of the right type are used, without characters that would
 * break a header. Undefined if it is not a JSON object in UTF-8.
 */
export function parseAttributes(bytes: Uint8Array): FileAttributes | undefined {
  const value = parsed(bytes)
  if (!isRecord(value)) return undefined
  const good = ATTRIBUTES.map(name => [name, name === 'metadata' ? metadataOf(value[name]) : textOf(value[name])])
  return Object.fromEntries(good.filter(([, each]) => each !== undefined)) as FileAttributes
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return isUtf8(bytes) ? JSON.parse(Buffer.from(bytes).toString()) : undefined
  } catch {
    return undefined
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && !UNSAFE.test(value) ? value : undefined
}

function metadataOf(value: unknown): Record<string, string> | undefined {
  if (!isRecord(value)) return undefined
  const good = Object.entries(value).filter(
    ([name, each]) => typeof each === 'string' && name !== '__proto__' && !UNSAFE.test(name),
  )
  return Object.fromEntries(good) as Record<string, string>
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
