/** The operations by their names. */
import * as buckets from './buckets.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { composeObject, copyObject, rewriteObject } from './copies.ts'
import { generateAccessToken, signBlob } from './iam.ts'
import { insertMedia, insertMultipart } from './insert.ts'
import { listObjects } from './listing.ts'
import { metadataServer } from './metadata-server.ts'
import { stsExchange, tokenEndpoint } from './oauth.ts'
import * as objects from './objects.ts'
import { postForm } from './post-policy.ts'
import { cancelSession, putSession, startJson } from './resumable.ts'
import * as xmlBuckets from './xml-buckets.ts'
import * as xmlObjects from './xml-objects.ts'

/** Carries one operation out; throws a `Refusal`. */
export type Operation = (context: OperationContext) => GcsAnswer | Promise<GcsAnswer>

const verbs = ['get', 'list', 'insert', 'patch', 'update', 'delete']

function aclOperations(kind: string, operation: Operation): Record<string, Operation> {
  return Object.fromEntries(verbs.map(verb => [`${kind}.${verb}`, operation]))
}

/** All but the batch, which runs these. */
export const operations: Record<string, Operation> = {
  'buckets.get': buckets.getBucket,
  'buckets.list': buckets.listBuckets,
  'buckets.insert': buckets.insertBucket,
  'buckets.patch': buckets.patchBucket,
  'buckets.delete': buckets.deleteBucket,
  'objects.get': objects.getObject,
  'objects.download': objects.getObject,
  'objects.patch': objects.patchObject,
  'objects.update': objects.updateObject,
  'objects.delete': objects.deleteObject,
  'objects.list': listObjects,
  'objects.compose': composeObject,
  'objects.copy': copyObject,
  'objects.rewrite': rewriteObject,
  'objects.insert': context =>
    (context.request.query['uploadType'] === 'media' ? insertMedia : insertMultipart)(context),
  'objects.insert.start': startJson,
  'objects.insert.part': putSession,
  'objects.insert.status': putSession,
  'objects.insert.cancel': cancelSession,
  ...aclOperations('objectAccessControls', objects.objectAcl),
  ...aclOperations('bucketAccessControls', buckets.bucketAcl),
  ...aclOperations('defaultObjectAccessControls', buckets.bucketAcl),
  'xml.listBuckets': xmlBuckets.xmlListBuckets,
  'xml.createBucket': xmlBuckets.xmlCreateBucket,
  'xml.headBucket': xmlBuckets.xmlHeadBucket,
  'xml.deleteBucket': xmlBuckets.xmlDeleteBucket,
  'xml.listObjects': xmlBuckets.xmlListObjects,
  'xml.postForm': postForm,
  'xml.getObject': xmlObjects.xmlGetObject,
  'xml.headObject': xmlObjects.xmlGetObject,
  'xml.putObject': xmlObjects.xmlPutObject,
  'xml.deleteObject': xmlObjects.xmlDeleteObject,
  'xml.startSession': xmlObjects.xmlStartSession,
  'xml.objectAcl': xmlObjects.xmlObjectAcl,
  'iam.signBlob': signBlob,
  'iam.generateAccessToken': generateAccessToken,
  metadata: metadataServer,
  token: tokenEndpoint,
  sts: stsExchange,
}
