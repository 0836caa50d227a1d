/** What is known of the service and of where an object is kept. */
import { document, element } from '../strict/xml.ts'
import { needRight } from './acl.ts'
import type { AtmosContext, StrictAnswer } from './context.ts'
import { NAMESPACE } from './errors.ts'
import { needNode } from './lookup.ts'

/** GET /rest/service. */
export function serviceInformation(): StrictAnswer {
  const headers = {
    'content-type': 'text/xml',
    'x-emc-support-utf8': 'true',
    'x-emc-features': 'object, namespace, utf-8, browser-compat, key-value, hardlink, query, versioning',
  }
  return { status: 200, headers, body: document('Version', element('Atmos', '2.1.0'), NAMESPACE) }
}

/** GET ?info. */
export function objectInfo(context: AtmosContext): StrictAnswer {
  const node = needNode(context)
  needRight(context, node, 'READ')
  const replica = (id: number, type: string): string =>
    `<replica>${element('id', id)}${element('type', type)}${element('current', true)}${element('location', 'Boston')}${element('storageType', 'Normal')}</replica>`
  const span = (name: string): string => `<${name}>${element('enabled', false)}<endAt></endAt></${name}>`
  const inner =
    element('objectId', node.id) +
    element('selection', 'geographic') +
    element('numReplicas', 2) +
    `<replicas>${replica(1, 'sync')}${replica(2, 'async')}</replicas>` +
    span('retention') +
    span('expiration')
  return {
    status: 200,
    headers: { 'content-type': 'text/xml' },
    body: document('GetObjectInfoResponse', inner, NAMESPACE),
  }
}
