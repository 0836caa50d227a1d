import { afterAll, vi } from 'vitest'
import { changed, changedFields, insteadJson, lackingFields } from '../../faults/answers.ts'
import type { Lie } from '../../faults/faults.ts'
import { after, describeLies, jsonLies, LIES } from '../../faults/lies.ts'
import { PART, refusedPart, type StepName, startGround } from './fault-steps.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const on = await startGround()
afterAll(() => on.close())

const ERROR = { success: false, error_message: 'Try again.' }
/** What may be told instead of a document, of any request that is answered by one. */
const DOCUMENTS = jsonLies({ other: 1 }, ERROR)
const field = (name: string, value: unknown): Lie['answer'] => changedFields(fields => ({ ...fields, [name]: value }))
const VERSIONS = [
  ...DOCUMENTS,
  after('no version', lackingFields('version_identifier')),
  after('a version that is none', field('version_identifier', null)),
]
const DONE = [
  ...DOCUMENTS,
  after('no success', field('success', false)),
  after('no word of it', lackingFields('success')),
]
const META = [
  ...LIES,
  after('an object', insteadJson({ colour: 'blue' })),
  after('nothing', insteadJson(null)),
  after('half a document', truth => changed(truth, '[["col')),
]

describeLies<StepName>({
  on,
  part: PART,
  writes: [
    { title: 'a small file', write: 'small', step: 'archive', faults: VERSIONS },
    { title: 'a small new file', write: 'smallNew', step: 'archive', faults: VERSIONS },
    {
      title: 'the start of an archive in parts',
      write: 'stream',
      step: 'start',
      faults: [
        ...DOCUMENTS,
        after('no identifier', lackingFields('conjoined_identifier')),
        after('an identifier that is none', field('conjoined_identifier', '')),
        after('another identifier', field('conjoined_identifier', 'another')),
      ],
    },
    { title: 'a part', write: 'stream', step: 'part 2', faults: VERSIONS },
    { title: 'the end of an archive in parts', write: 'stream', step: 'finish', faults: DONE },
    { title: 'a copy', write: 'copy', over: false, step: 'archive', faults: VERSIONS },
  ],
  looks: {
    read: { step: 'read' },
    range: { step: 'read', codes: ['unsupported'] },
    size: { step: 'head' },
    list: {
      step: 'list',
      faults: [
        ...DOCUMENTS,
        after('keys that are no list', field('key_data', 'x')),
        after('folders instead of keys', insteadJson({ prefixes: ['a/'], truncated: false })),
        after('no word whether there is more', lackingFields('truncated')),
        after('a word that is none', field('truncated', 'no')),
        after('more without a key', insteadJson({ key_data: [], truncated: true })),
      ],
    },
  },
  deletions: {
    delete: { step: 'delete', faults: DONE },
    deleteMany: { step: 'delete', faults: DONE },
  },
  failedEnd: { step: 'abort', also: refusedPart, faults: DONE, codes: ['permission_denied'] },
})

describeLies<StepName>({
  on,
  part: PART,
  writes: [],
  looks: {
    read: { step: 'read', faults: [] },
    range: { step: 'read', faults: [] },
    size: { step: 'meta', faults: META },
    list: { step: 'list', faults: [] },
  },
  deletions: { delete: { step: 'delete', faults: [] }, deleteMany: { step: 'delete', faults: [] } },
})
