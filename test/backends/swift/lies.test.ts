import { afterAll } from 'vitest'
import { changed, changedFields, lackingFields, withHeader, without } from '../../faults/answers.ts'
import { after, describeLies, jsonLies, LIES, lies, liesBut } from '../../faults/lies.ts'
import { PART, type StepName, startGround } from './fault-steps.ts'

const [on, dlo] = await Promise.all([startGround(), startGround({ features: { slo: false } })])
afterAll(() => Promise.all([on.close(), dlo.close()]))

/** What may be told of an object that was stored. */
const STORED = [
  ...LIES,
  after('no ETag', truth => without(truth, 'etag')),
  after('another ETag', truth => withHeader(truth, 'ETag', '"0123456789abcdef0123456789abcdef"')),
]
/** What may be told instead of a listing. */
const ROWS = [
  // An empty list is what an empty container has.
  ...jsonLies({ name: 'x' }, { error: 'Try again.' }).filter(({ title }) => !title.startsWith('a list')),
  after('rows without names', truth => changed(truth, JSON.stringify([{ bytes: 1 }, 7, null]))),
  after('a text', truth => changed(truth, '"x"')),
]
/** What may be told instead of the sums of a bulk deletion. */
const SUMS = [
  ...jsonLies({ swift: {} }, { 'Response Status': '503 Service Unavailable', 'Number Deleted': 0, Errors: [] }),
  after('no errors', lackingFields('Errors')),
  after(
    'fewer than were sent',
    changedFields(fields => ({ ...fields, 'Number Deleted': 1 })),
  ),
  after(
    'more than were sent',
    changedFields(fields => ({ ...fields, 'Number Deleted': 3 })),
  ),
  after(
    'sums that are none',
    changedFields(fields => ({ ...fields, 'Number Deleted': 'x' })),
  ),
  ...lies('all went wrong', truth => ({
    ...truth,
    status: 200,
    body: Buffer.from(
      JSON.stringify({
        'Number Not Found': 0,
        'Response Status': '400 Bad Request',
        Errors: [],
        'Number Deleted': 0,
        'Response Body': 'no',
      }),
    ),
  })),
]

describeLies<StepName>({
  on,
  part: PART,
  writes: [
    { title: 'a small file', write: 'small', step: 'put', faults: STORED },
    { title: 'a small new file', write: 'smallNew', step: 'put', faults: STORED },
    { title: 'what was there before', write: 'small', step: 'head' },
    { title: 'a segment', write: 'stream', step: 'part 2', faults: STORED },
    { title: 'a manifest', write: 'stream', step: 'manifest', faults: STORED },
    { title: 'a manifest of the beginning of names', write: 'newStream', on: dlo, step: 'manifest', faults: STORED },
    { title: 'what the cluster has', write: 'stream', step: 'info', faults: jsonLies({ slo: 7 }, { error: 'no' }) },
    { title: 'a copy', write: 'copy', over: true, step: 'copy', faults: STORED },
  ],
  looks: {
    read: {
      step: 'read',
      faults: [
        ...LIES,
        after('another byte', truth => changed(truth, 'what was there Before')),
        after('another ETag', truth => withHeader(truth, 'ETag', '0123456789abcdef0123456789abcdef')),
      ],
    },
    range: { step: 'read' },
    size: { step: 'head', faults: [...LIES, after('no size', truth => without(truth, 'content-length'))] },
    list: { step: 'list', faults: ROWS, codes: ['unsupported'] },
  },
  deletions: {
    delete: { step: 'delete', faults: liesBut('no title begins so') },
    deleteMany: { step: 'bulk', faults: SUMS },
  },
})
