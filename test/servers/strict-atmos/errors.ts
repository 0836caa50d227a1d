/** The error answers of Atmos: a number, and a status that says less. */
import type { Refuse } from '../../faults/faults.ts'
import { Refusal } from '../strict/answer.ts'
import { document, element } from '../strict/xml.ts'

/** Namespace of the documents. */
export const NAMESPACE = 'http://www.emc.com/cos/'

/** Status and meaning of each code. */
const CODES: Readonly<Record<number, readonly [status: number, message: string]>> = {
  1001: [500, 'The server failed while it handled the request.'],
  1002: [400, 'An argument of the request is not valid.'],
  1003: [404, 'There is no such object.'],
  1004: [416, 'The range cannot be satisfied.'],
  1005: [400, 'A metadata tag does not exist.'],
  1006: [409, 'Another operation on the object is under way.'],
  1008: [404, 'There is no such resource.'],
  1009: [405, 'The method is not allowed for this resource.'],
  1010: [400, 'The object is too large.'],
  1011: [400, 'The body and its length differ.'],
  1012: [400, 'The range and the length of the body differ.'],
  1014: [400, 'The object has too many metadata.'],
  1015: [401, 'The user has no right to do that.'],
  1016: [409, 'The object exists already.'],
  1021: [400, 'This is not a directory.'],
  1022: [400, 'This is a directory.'],
  1023: [400, 'The directory is not empty.'],
  1031: [403, 'The date of the request is outside the allowed range.'],
  1032: [403, 'The signature does not match.'],
  1033: [403, 'The user is not known.'],
  1037: [400, 'The token is not valid.'],
  1040: [500, 'The server is busy.'],
  1041: [400, 'The name is too long.'],
  1042: [400, 'The operation is not supported.'],
  1044: [400, 'The parent directory does not exist.'],
  1045: [400, 'The parent is not a directory.'],
  1046: [400, 'The object has no name.'],
  1047: [400, 'Source and target are the same.'],
  1048: [400, 'The target directory is not empty.'],
  1049: [400, 'The checksum does not match.'],
  1050: [400, 'The object has a checksum of another algorithm.'],
  1051: [400, 'A checksum is only for new objects and appended data.'],
  1052: [400, 'There is no such checksum algorithm.'],
  1053: [400, 'The object was made without a checksum.'],
  1054: [400, 'A parameter is missing.'],
}

/** A code that the server knows. */
export type AtmosCode = keyof typeof CODES

/** Thrown by every operation; the server makes the status and the document of it. */
export class AtmosError extends Refusal {
  constructor(code: number, details = '', headers: Readonly<Record<string, string>> = {}) {
    const [status, message] = CODES[code] ?? [500, 'Unknown.']
    super(status, String(code), details === '' ? message : `${message} ${details}`, {}, headers)
  }
}

/** The error document; older servers have no namespace. */
export function errorDocument(code: string, message: string, namespaced: boolean): string {
  const number = /^\d+$/.test(code) ? code : '1001'
  return document('Error', element('Code', number) + element('Message', message), namespaced ? NAMESPACE : undefined)
}

/** A fault: 1040, the server is busy, with its document, for servers and proxies alike. */
export function busy(status: 500 | 503 = 500): Refuse {
  const body = errorDocument('1040', 'The server is busy.', false)
  return { do: 'refuse', status, code: '1040', headers: { 'content-type': 'text/xml' }, body }
}
