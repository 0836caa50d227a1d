import type { IncomingHttpHeaders } from 'node:http'
import { drain } from '../core/body.ts'
import type { HttpRequest, HttpResponse } from '../http/request.ts'
import { isRead, jsonOf } from './answers.ts'
import { readDocument } from './document.ts'
import { parseXml, type XmlNode } from './xml.ts'

/** Bytes of an error document that are read. */
const BODY_LIMIT = 64 * 1024
/** Difference of clocks in seconds from which on services refuse requests. */
const SKEW_SECS = 300

/** An answer with an error status whose body is a document: of XML, as S3, Azure and Google's XML API have it, or of JSON. */
export interface Refusal {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bodyText: string
  /** `unknown` where the same request was sent before and may have been carried out then. */
  readonly outcome: 'unknown' | undefined
  /** The element that has `Code` and `Message`; undefined where the body is no XML. */
  readonly root: XmlNode | undefined
  /** The JSON object of the body; undefined where it is no such object. */
  readonly json: Readonly<Record<string, unknown>> | undefined
  /** Whether the service wrote the answer, not something between: its XML has a code, or there is no body. */
  readonly isOwn: boolean
}

/** Reads the answer by which a request was refused. Never fails: a body that cannot be read says nothing. */
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

/** Whether a service's clock is so far from this machine's that it refuses requests. */
export function isSkewed(serverTime: Date | undefined): boolean {
  return Math.abs(skewOf(serverTime) ?? 0) > SKEW_SECS
}

/** One sentence, without its dot, on clocks that differ. */
export function skewHint(serverTime: Date | undefined): string {
  const skew = skewOf(serverTime)
  if (skew === undefined || Math.abs(skew) <= SKEW_SECS) return "This machine's clock and the server's differ too much"
  return `This machine's clock is ${Math.abs(skew)} seconds ${skew > 0 ? 'ahead of' : 'behind'} the server's`
}

/** Seconds by which this machine's clock is ahead. */
function skewOf(serverTime: Date | undefined): number | undefined {
  return serverTime && Math.round((Date.now() - serverTime.getTime()) / 1000)
}
