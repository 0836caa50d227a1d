import type { IncomingHttpHeaders } from 'node:http'
import { drain } from '../core/body.ts'
import type { HttpRequest, HttpResponse } from '../http/request.ts'
import { isRead, jsonOf } from './answers.ts'
import { readDocument } from './document.ts'
import { parseXml, type XmlNode } from './xml.ts'

/** Maximum number of bytes of an error document that are read. */
const BODY_LIMIT = 64 * 1024
/** Difference of clocks in seconds from which services refuse requests. */
const SKEW_SECS = 300

/** An answer with an error status. Its body is a document: XML from S3, Azure and Google's XML API, or JSON. */
export interface Refusal {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bodyText: string
  /** `unknown` if the same request was sent before and may have been carried out then. */
  readonly outcome: 'unknown' | undefined
  /** The element that has `Code` and `Message`; undefined if the body is not XML. */
  readonly root: XmlNode | undefined
  /** The JSON object of the body; undefined if the body is not a JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined
  /** Whether the service, not a proxy, wrote the answer: its XML has a code, or there is no body. */
  readonly isOwn: boolean
}

/** Reads the answer of a refused request. Never fails: a body that cannot be read is ignored. */
export async function readRefusal(request: Pick<HttpRequest, 'method'>, response: HttpResponse): Promise<Refusal> {
  const { status, headers } = response
  const bodyText = request.method === 'HEAD' ? '' : await readDocument(response, BODY_LIMIT).catch(() => '')
  if (request.method === 'HEAD') void drain(response)
  const root = await documentOf(bodyText)
  const outcome = response.resent === true && !isRead(request) ? 'unknown' : undefined
  return {
    status,
    headers,
    bodyText,
    outcome,
    root,
    json: objectOf(bodyText),
    isOwn: root?.child('Code') !== undefined || bodyText.trim() === '',
  }
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = jsonOf(text)
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined
}

async function documentOf(text: string): Promise<XmlNode | undefined> {
  if (!text.trimStart().startsWith('<')) return undefined
  try {
    const root = await parseXml(text)
    return root.name === 'Error' ? root : (root.path('Errors', 'Error') ?? root)
  } catch {
    return undefined
  }
}

/** Whether a service's clock differs so much from this machine's that the service refuses requests. */
export function isSkewed(serverTime: Date | undefined): boolean {
  return Math.abs(skewOf(serverTime) ?? 0) > SKEW_SECS
}

/** One sentence, without its dot, about clocks that differ. */
export function skewHint(serverTime: Date | undefined): string {
  const skew = skewOf(serverTime)
  if (skew === undefined || Math.abs(skew) <= SKEW_SECS) return "This machine's clock and the server's differ too much"
  return `This machine's clock is ${Math.abs(skew)} seconds ${skew > 0 ? 'ahead of' : 'behind'} the server's`
}

/** Seconds that this machine's clock is ahead. */
function skewOf(serverTime: Date | undefined): number | undefined {
  return serverTime && Math.round((Date.now() - serverTime.getTime()) / 1000)
}
