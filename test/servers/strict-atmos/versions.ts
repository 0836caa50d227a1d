/** Versions of an object that is meant by its id. */
import { document, element } from '../strict/xml.ts'
import { needRight } from './acl.ts'
import type { AtmosContext, StrictAnswer } from './context.ts'
import { AtmosError, NAMESPACE } from './errors.ts'
import { needObject } from './lookup.ts'
import { systemTags } from './metadata.ts'
import type { AtmosObject } from './tree.ts'

function versioned(context: AtmosContext): AtmosObject {
  if (context.request.interface !== 'objects') throw new AtmosError(1042, 'Versions are for ids.')
  const node = needObject(context)
  needRight(context, node, context.request.method === 'GET' ? 'READ' : 'WRITE')
  return node
}

/** POST ?versions: keeps the object as it is now. */
export function versionObject(context: AtmosContext): StrictAnswer {
  const version = context.state.tree.keepVersion(versioned(context))
  return { status: 201, headers: { location: `/rest/objects/${version.id}`, 'x-emc-delta': '0' } }
}

/** GET ?versions. */
export function listVersions(context: AtmosContext): StrictAnswer {
  const { versions } = versioned(context)
  const list = versions.map((one, at) => {
    const itime = systemTags(one).find(([name]) => name === 'itime')![1]
    return `<Ver>${element('VerNum', at)}${element('OId', one.id)}${element('itime', itime)}</Ver>`
  })
  const body = document('ListVersionsResponse', list.join(''), NAMESPACE)
  return { status: 200, headers: { 'content-type': 'text/xml' }, body }
}

/** PUT ?versions with x-emc-version-oid: the object is again what it was. */
export function restoreVersion(context: AtmosContext): StrictAnswer {
  const node = versioned(context)
  const version = node.versions.find(one => one.id === context.request.headers['x-emc-version-oid'])
  if (version === undefined) throw new AtmosError(1003)
  node.body = version.body
  node.checksum = version.checksum
  context.state.tree.touch(node)
  return { status: 200 }
}

/** DELETE ?versions of the id of a version. */
export function deleteVersion(context: AtmosContext): StrictAnswer {
  const { tree } = context.state
  const version = versioned(context)
  const owner = tree.ownerOf(version)
  if (owner === undefined) throw new AtmosError(1002, 'This is not a version.')
  owner.versions.splice(owner.versions.indexOf(version), 1)
  tree.remove(version)
  return { status: 204 }
}
