/** What an operation of a strict server gives: an answer, or a refusal that it throws. */

/** What an operation answers. */
export interface StrictAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Not sent for HEAD, 204 and 304, but its length is. */
  readonly body?: Buffer | string
}

/** An error answer: thrown by every operation, turned into the service's error document by the server. */
export class Refusal extends Error {
  readonly status: number
  /** The service's name of the error. */
  readonly code: string
  /** More fields of the error document. */
  readonly details: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    message: string,
    details: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.details = details
    this.headers = headers
  }
}

/** An answer in JSON. */
export function jsonAnswer(
  value: unknown,
  {
    status = 200,
    headers = {},
  }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): StrictAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) }
}

/** An answer in XML. */
export function xmlAnswer(xml: string, headers: Readonly<Record<string, string>> = {}): StrictAnswer {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body: xml }
}
