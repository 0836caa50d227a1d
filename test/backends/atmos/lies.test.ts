import { afterAll, vi } from 'vitest'
import { changed, withHeader, without } from '../../faults/answers.ts'
import type { NamedFault } from '../../faults/case.ts'
import { after, describeLies, LIES, lies, liesBut, RANGE_LIES, xmlLies } from '../../faults/lies.ts'
import { PART, refusedPart, type StepName, startGround } from './fault-steps.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const on = await startGround()
afterAll(() => on.close())

const NO_SUM = `SHA1/${PART}/${'0'.repeat(40)}`
/** What may be told of an object that was created. */
const CREATED: readonly NamedFault[] = [
  ...LIES,
  after('no Location', truth => without(truth, 'location')),
  after('a Location that is none', truth => withHeader(truth, 'Location', '/rest/objects/')),
  after('the Location of another object', truth => withHeader(truth, 'Location', `/rest/objects/${'a'.repeat(44)}`)),
  after('fewer bytes', truth => withHeader(truth, 'x-emc-delta', '5')),
  after('no number of bytes', truth => without(truth, 'x-emc-delta')),
  after('a checksum that is none', truth => withHeader(truth, 'x-emc-wschecksum', 'SHA1/x')),
]
/** An empty 200 is the truth of these. */
const DONE = liesBut('an empty 200')
const PARTS: readonly NamedFault[] = [
  ...LIES,
  after('fewer bytes', truth => withHeader(truth, 'x-emc-delta', '5')),
  after('another checksum of the first bytes', truth => withHeader(truth, 'x-emc-wschecksum', NO_SUM)),
]
const UNSUPPORTED = ['unsupported']

describeLies<StepName>({
  on,
  part: PART,
  writes: [
    { title: 'the creation of a small file', write: 'small', step: 'create', faults: CREATED },
    { title: 'the creation of a small new file', write: 'smallNew', step: 'create', faults: CREATED },
    { title: 'a part', write: 'stream', step: 'part 2', faults: PARTS },
    { title: 'the last part', write: 'stream', step: 'last part', faults: PARTS },
    { title: 'the tag of the MD5', write: 'stream', step: 'tag', faults: DONE },
    // Also an empty 200 where nothing was done: what bears the name is looked at.
    { title: 'the renaming', write: 'small', step: 'rename', faults: LIES },
    { title: 'the renaming to a new name', write: 'smallNew', step: 'rename', faults: LIES },
    {
      title: 'the look at what bears the name',
      write: 'small',
      step: 'head',
      faults: [
        ...LIES,
        after('no tags', truth => without(truth, 'x-emc-meta')),
        after('another object', truth =>
          withHeader(truth, 'x-emc-meta', `objectid=${'b'.repeat(44)}, size=5, type=regular`),
        ),
      ],
    },
  ],
  looks: {
    read: {
      step: 'read',
      faults: [
        ...LIES,
        after('another byte', truth => changed(truth, 'what was there Before')),
        after('the listing of a folder', truth => withHeader(truth, 'x-emc-meta', 'type=directory, size=5')),
      ],
      codes: [...UNSUPPORTED, 'is_directory'],
    },
    range: { step: 'read', faults: RANGE_LIES, codes: UNSUPPORTED },
    size: {
      step: 'head',
      faults: [
        ...LIES,
        after('no tags', truth => without(truth, 'x-emc-meta')),
        after('no size', truth => withHeader(truth, 'x-emc-meta', 'type=regular')),
        after('a size that is none', truth => withHeader(truth, 'x-emc-meta', 'type=regular, size=x')),
      ],
      codes: UNSUPPORTED,
    },
    list: { step: 'list', faults: xmlLies('Filename'), codes: UNSUPPORTED },
  },
  deletions: {
    delete: {
      step: 'delete',
      faults: [...LIES, ...lies('a page with status 204', truth => ({ ...truth, status: 200 }))],
    },
    deleteMany: { step: 'delete' },
  },
  failedEnd: { step: 'end', also: refusedPart },
})
