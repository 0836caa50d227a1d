import { afterAll } from 'vitest'
import { changed, lackingElement, withHeader, without } from '../../faults/answers.ts'
import type { Lie } from '../../faults/faults.ts'
import { after, describeLies, LIES, lies, liesBut, xmlLies } from '../../faults/lies.ts'
import { IN_BLOCKS, PART, type StepName, startGround } from './fault-steps.ts'

const { close, ...on } = await startGround()
afterAll(close)

/** A write that was done is 201: another success of the same service is of another request. */
const CREATED = [
  ...LIES,
  ...lies('a 200 with an etag', truth => ({ ...withHeader(truth, 'ETag', '"0x1"'), status: 200 })),
  after('no ETag', truth => without(truth, 'etag')),
]

/** An answer to a batch whose parts are these. */
const batched =
  (...parts: string[]): Lie['answer'] =>
  () => {
    const body = parts.map(
      (part, at) => `--b\r\nContent-Type: application/http\r\nContent-ID: ${at}\r\n\r\n${part}\r\n`,
    )
    return {
      status: 202,
      headers: [['Content-Type', 'multipart/mixed; boundary=b']],
      body: Buffer.from(`${body.join('')}--b--\r\n`),
    }
  }
const accepted = 'HTTP/1.1 202 Accepted\r\nx-ms-request-id: 1\r\n'

describeLies<StepName>({
  on,
  part: PART,
  writes: [
    { title: 'a small file', write: 'small', step: 'PutBlob', faults: CREATED },
    { title: 'a small new file', write: 'smallNew', step: 'PutBlob', faults: CREATED },
    { title: 'a block', write: 'stream', step: 'PutBlock 2' },
    { title: 'the list of blocks', write: 'stream', step: 'PutBlockList', faults: CREATED },
    {
      title: 'a copy',
      write: 'copy',
      over: true,
      step: 'CopyBlob',
      faults: [
        ...LIES,
        after('no state of the copy', truth => without(truth, 'x-ms-copy-status')),
        after('a state that is none', truth => withHeader(truth, 'x-ms-copy-status', 'odd')),
      ],
    },
    { title: 'a copied block', write: 'copyInParts', over: true, attributes: IN_BLOCKS, step: 'PutBlockFromURL' },
  ],
  looks: {
    read: {
      step: 'GetBlob',
      faults: [
        ...LIES,
        // The service keeps an MD5 of what came in one request, which the bytes must have.
        after('one byte changed', truth => {
          const body = Buffer.from(truth.body)
          body[3] = body[3]! ^ 1
          return { ...truth, body }
        }),
      ],
    },
    range: { step: 'GetBlob' },
    size: {
      step: 'GetBlobProperties',
      faults: [...LIES, after('no length', truth => without(truth, 'content-length'))],
    },
    list: {
      step: 'ListBlobs',
      faults: [
        ...xmlLies('Name'),
        after('no names', lackingElement('Name')),
        after('no next marker', lackingElement('NextMarker')),
      ],
    },
  },
  deletions: {
    // A deletion is 202, which an empty answer of that status cannot be told from.
    delete: { step: 'DeleteBlob', faults: liesBut('an accepted 202') },
    deleteMany: {
      step: 'BlobBatch',
      faults: [
        ...LIES,
        ...lies('no parts', batched()),
        ...lies('one part too few', batched(accepted)),
        after('a part with status 200', batched('HTTP/1.1 200 OK\r\n', accepted)),
        ...lies('parts that are no answers', batched('hello', 'hello')),
        after('half of the answer', truth => changed(truth, `${truth.body}`.slice(0, `${truth.body}`.length / 2))),
      ],
    },
  },
})
