/** JSON that identity services get. */
import { complaint, failed, type SwiftError } from './errors.ts'
import type { SwiftRequest } from './request.ts'

/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>

/** An object, or a complaint. */
export function fieldsOf(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw complaint(`an object is expected, not ${JSON.stringify(value)}`)
}

/** The body of a request. */
export function jsonBody({ headers, body }: SwiftRequest): Fields {
  if (!/^application\/json(;|$)/.test(headers['content-type'] ?? '')) throw complaint('the body is not called JSON')
  try {
    return fieldsOf(JSON.parse(body.toString('utf8')))
  } catch (error) {
    if (error instanceof SyntaxError) throw failed(400, 'Expecting to find a JSON object in the request body.')
    throw error
  }
}

/** Complains of a key that the service does not know. */
export function onlyKeys(fields: Fields, keys: readonly string[]): Fields {
  const more = Object.keys(fields).find(key => !keys.includes(key))
  if (more !== undefined) throw complaint(`the identity service does not know ${more}`)
  return fields
}

/** 401 of wrong credentials. */
export function refused(): SwiftError {
  const message = 'The request you have made requires authentication.'
  return failed(401, message, { 'www-authenticate': 'Keystone uri="http://127.0.0.1/v3"', vary: 'X-Auth-Token' })
}
