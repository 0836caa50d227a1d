import { afterAll } from 'vitest'
import { changed, insteadXml, lackingElement, without } from '../../faults/answers.ts'
import { after, describeLies, LIES, lies, liesBut, xmlLies } from '../../faults/lies.ts'
import { PART, refusedPart, type StepName, startGrounds } from './fault-steps.ts'

const { amazon: on, close } = await startGrounds()
afterAll(close)

/** What may be told instead of a document, of any request that is answered by one. */
const DOCUMENTS = xmlLies('Key')
/** Of a request that need only be done: an empty 200 is what some compatible services answer. */
const DONE = liesBut('an empty 200')
/** Of a request that is answered by an etag. */
const TAGGED = [...LIES, after('no ETag', truth => without(truth, 'etag'))]
/** Of a request that is answered by a document with an etag. */
const TAGGED_DOCUMENTS = [...DOCUMENTS, after('no ETag', lackingElement('ETag'))]

describeLies<StepName>({
  on,
  part: PART,
  writes: [
    { title: 'a small file', write: 'small', step: 'PutObject', faults: TAGGED },
    { title: 'a small new file', write: 'smallNew', step: 'PutObject' },
    {
      title: 'the begin of an upload',
      write: 'stream',
      step: 'CreateMultipartUpload',
      faults: [...DOCUMENTS, after('no id', lackingElement('UploadId'))],
    },
    { title: 'a part', write: 'stream', step: 'UploadPart 2', faults: TAGGED },
    { title: 'the end of an upload', write: 'stream', step: 'CompleteMultipartUpload', faults: DOCUMENTS },
    { title: 'a copy', write: 'copy', over: true, step: 'CopyObject', faults: TAGGED_DOCUMENTS },
    { title: 'a copied part', write: 'copyInParts', over: true, step: 'UploadPartCopy', faults: TAGGED_DOCUMENTS },
  ],
  looks: {
    read: { step: 'GetObject' },
    range: { step: 'GetObject' },
    size: {
      step: 'HeadObject',
      // That of an empty object, for a service that keeps neither etags nor times, looks as an empty 200.
      faults: [...DONE, after('no length', truth => without(truth, 'content-length'))],
    },
    list: {
      step: 'ListObjectsV2',
      faults: [
        ...DOCUMENTS,
        after('no keys', lackingElement('Key')),
        after('no token', truth => {
          return changed(truth, `${truth.body}`.replace('<IsTruncated>false', '<IsTruncated>true'))
        }),
      ],
    },
  },
  deletions: {
    delete: { step: 'DeleteObject', faults: DONE },
    deleteMany: {
      step: 'DeleteObjects',
      faults: [
        ...DOCUMENTS,
        ...lies('no key named', insteadXml('<DeleteResult></DeleteResult>')),
        ...lies('other keys named', insteadXml('<DeleteResult><Deleted><Key>other</Key></Deleted></DeleteResult>')),
        after('one key left out', truth => changed(truth, `${truth.body}`.replace(/<Deleted>.*?<\/Deleted>/s, ''))),
      ],
    },
  },
  failedEnd: { step: 'AbortMultipartUpload', faults: DONE, also: refusedPart },
})
