/** Which operation a request asks for. */
import type { AtmosContext, StrictAnswer } from './context.ts'
import { AtmosError } from './errors.ts'
import { objectInfo, serviceInformation } from './extras.ts'
import { listDirectory } from './listing.ts'
import { needNode } from './lookup.ts'
import * as reads from './reads.ts'
import type { AtmosRequest } from './request.ts'
import * as versions from './versions.ts'
import * as writes from './writes.ts'

const operations: Readonly<Record<string, (context: AtmosContext) => StrictAnswer>> = {
  GetServiceInformation: serviceInformation,
  ListDirectory: listDirectory,
  ReadObject: reads.readObject,
  HeadObject: reads.headObject,
  CreateObject: writes.createObject,
  CreateDirectory: writes.createDirectory,
  UpdateObject: writes.updateObject,
  DeleteObject: writes.deleteNode,
  DeleteDirectory: writes.deleteNode,
  GetSystemMetadata: reads.getSystemMetadata,
  GetUserMetadata: reads.getUserMetadata,
  SetUserMetadata: writes.setUserMetadata,
  DeleteUserMetadata: writes.deleteUserMetadata,
  GetTags: reads.getTags,
  GetAcl: reads.getAcl,
  SetAcl: writes.setAcl,
  Rename: writes.rename,
  GetObjectInfo: objectInfo,
  VersionObject: versions.versionObject,
  ListVersions: versions.listVersions,
  RestoreVersion: versions.restoreVersion,
  DeleteVersion: versions.deleteVersion,
}

/** Operations by what the query says and the method. */
const ASPECTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'metadata/system': { GET: 'GetSystemMetadata' },
  'metadata/user': { GET: 'GetUserMetadata', POST: 'SetUserMetadata', DELETE: 'DeleteUserMetadata' },
  'metadata/tags': { GET: 'GetTags' },
  acl: { GET: 'GetAcl', POST: 'SetAcl' },
  rename: { POST: 'Rename' },
  info: { GET: 'GetObjectInfo' },
  versions: { POST: 'VersionObject', GET: 'ListVersions', PUT: 'RestoreVersion', DELETE: 'DeleteVersion' },
}

const OBJECTS: Readonly<Record<string, string>> = {
  GET: 'ReadObject',
  HEAD: 'HeadObject',
  POST: 'CreateObject',
  PUT: 'UpdateObject',
  DELETE: 'DeleteObject',
}

const DIRECTORIES: Readonly<Record<string, string>> = {
  GET: 'ListDirectory',
  HEAD: 'HeadObject',
  POST: 'CreateDirectory',
  PUT: 'UpdateObject',
  DELETE: 'DeleteDirectory',
}

/** The operation's name, or 'Unknown'. */
export function operationName(request: AtmosRequest): string {
  const { method, aspect, isFolder } = request
  if (request.interface === 'service') return method === 'GET' ? 'GetServiceInformation' : 'Unknown'
  if (request.interface === 'accesstokens') return 'Unknown'
  if (aspect !== '') return ASPECTS[aspect]?.[method] ?? 'Unknown'
  return (isFolder ? DIRECTORIES : OBJECTS)[method] ?? 'Unknown'
}

/** Runs an operation; 1009 for one that there is not, 1042 for anonymous tokens, which this server has not. */
export function runOperation(name: string, context: AtmosContext): StrictAnswer {
  const isFile =
    name === 'ListDirectory' && context.state.options.ignoresSlashes && needNode(context).type === 'regular'
  const operation = operations[isFile ? 'ReadObject' : name]
  if (context.request.interface === 'accesstokens') throw new AtmosError(1042)
  if (operation === undefined) throw new AtmosError(1009)
  return operation(context)
}
