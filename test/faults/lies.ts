/** Lies: answers whose status says success, and which are not true. No call may believe them, whatever its step. */
import { changed, insteadJson, insteadXml, withHeader, without } from './answers.ts'
import { type FaultResult, type NamedFault, named } from './case.ts'
import { DOUBTS, doubted } from './expected.ts'
import type { Answer, Lie } from './faults.ts'
import type { Ground } from './ground.ts'
import { deletionPart, type LookName, leftOf, lookPart } from './looks.ts'
import { describePlans, type Plan } from './plans.ts'
import { failedEnd, OLD, WRITES, type WriteName, writePart } from './writes.ts'

const PAGE = Buffer.from(
  '<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>Please sign in<br></body></html>\n',
)

/** A lie before the work, and the same one after it. */
export function lies(title: string, answer: Lie['answer']): NamedFault[] {
  return [named(`${title}, nothing done`, { do: 'lie', answer }), after(title, answer)]
}

/** A lie after the work. */
export function after(title: string, answer: Lie['answer']): NamedFault {
  return named(`${title}, all done`, { do: 'lie', at: 'after', answer })
}

const empty = (status: number): Answer => ({ status, headers: [['Content-Length', '0']], body: Buffer.alloc(0) })

/** What is in the way of a server may tell of any request: a page to sign in, an empty answer, a success of another kind. */
export const LIES: readonly NamedFault[] = [
  ...lies('a page with status 200', () => ({
    status: 200,
    headers: [
      ['Content-Type', 'text/html; charset=utf-8'],
      ['Content-Length', String(PAGE.length)],
    ],
    body: PAGE,
  })),
  ...lies('an empty 200', () => empty(200)),
  ...lies('an accepted 202', () => empty(202)),
]

/** Those but one, for a request that need only be done: what its title begins with is the truth there. */
export function liesBut(title: string): NamedFault[] {
  return LIES.filter(lie => !lie.title.startsWith(title))
}

const half = after('half a document', truth => ({ ...truth, body: truth.body.subarray(0, -20) }))

/** What may be told instead of an XML document; `field` is an element of its own in another one. */
export function xmlLies(field: string): NamedFault[] {
  return [
    ...LIES,
    ...lies('a document of another kind', insteadXml(`<Other><${field}>k</${field}></Other>`)),
    ...lies('an error inside', insteadXml('<Error><Code>InternalError</Code><Message>Try again.</Message></Error>')),
    half,
    after('a document after a warning', truth => changed(truth, `Warning: slow disk\n${truth.body}`)),
  ]
}

/** What may be told instead of a JSON document: another one of the service, and one of its errors. */
export function jsonLies(other: unknown, error: unknown): NamedFault[] {
  return [
    ...LIES,
    ...lies('a document of another kind', insteadJson(other)),
    ...lies('a list', insteadJson([])),
    ...lies('nothing', insteadJson(null)),
    ...lies('an error inside', insteadJson(error)),
    half,
  ]
}

/** What may be told of bytes 5 to 8 of the old file. */
export const RANGE_LIES: readonly NamedFault[] = [
  ...LIES,
  after('the whole for a range', truth => ({ ...without(truth, 'content-range'), status: 200, body: OLD })),
  after('another range', truth => withHeader(truth, 'Content-Range', `bytes 6-10/${OLD.length}`)),
  after('no Content-Range', truth => without(truth, 'content-range')),
  after('a shorter range', truth => {
    return { ...withHeader(truth, 'Content-Range', `bytes 5-7/${OLD.length}`), body: truth.body.subarray(0, 3) }
  }),
  after('a longer range', truth => {
    return { ...withHeader(truth, 'Content-Range', `bytes 5-11/${OLD.length}`), body: OLD.subarray(5, 12) }
  }),
  after('more bytes than the range has', truth => ({ ...truth, body: OLD.subarray(5, 12) })),
]

/** A kind of call that is lied to at one step. */
export interface Lied<S extends string> {
  readonly step: S
  /** Default: what may be told of any request; of a range, `RANGE_LIES`. */
  readonly faults?: readonly NamedFault[]
  /** What it may fail with besides the doubts. */
  readonly codes?: readonly string[]
}

/** A write that is lied to; the title says at which step of it. */
export interface LiedWrite<S extends string> extends Lied<S> {
  readonly title: string
  readonly write: WriteName
  /** Where it is not the suite's. */
  readonly on?: Ground<S>
  /** Whether there is an old file by that name. */
  readonly over?: boolean
  /** Attributes of a copy, where they decide how it is made. */
  readonly attributes?: object
}

/** A backend that is lied to. */
export interface LieSuite<S extends string> {
  readonly on: Ground<S>
  /** Bytes of a part. */
  readonly part: number
  /** What a call may fail with besides the doubts, where a lie has the client say what is then refused. */
  readonly codes?: (fault: NamedFault) => readonly string[]
  readonly writes: ReadonlyArray<LiedWrite<S>>
  readonly looks: Readonly<Record<LookName, Lied<S>>>
  readonly deletions: Readonly<Record<'delete' | 'deleteMany', Lied<S>>>
  /** The end of an upload that failed, which `also` lets fail with permission_denied; left out where nothing stays open. */
  readonly failedEnd?: Pick<Plan<S>, 'also'> & Lied<S>
}

/** Registers what a backend must do with lies. */
export function describeLies<S extends string>(suite: LieSuite<S>): void {
  const { on, part } = suite
  const lied = ({ step, faults = LIES, codes = [] }: Lied<S>) => ({
    on,
    steps: [step],
    faults,
    expected: doubted,
    codes: (fault: NamedFault) => [...DOUBTS, ...codes, ...(suite.codes?.(fault) ?? [])],
  })
  const plans: Array<Plan<S>> = suite.writes.map(({ title, write, attributes, over, ...each }) => {
    const where = each.on ?? on
    return { ...lied(each), ...writePart(WRITES[write], where, part, attributes, over), title, on: where }
  })
  for (const [name, look] of Object.entries(suite.looks) as Array<[LookName, Lied<S>]>) {
    const faults = look.faults ?? (name === 'range' ? RANGE_LIES : LIES)
    plans.push({ ...lied({ ...look, faults }), ...lookPart(name, on) })
  }
  const { delete: one, deleteMany: many } = suite.deletions
  plans.push({ ...lied(one), ...deletionPart('delete', on), wrong: result => wrongDeletion(on, result) })
  plans.push({ ...lied(many), ...deletionPart('deleteMany', on), wrong: result => wrongDeletions(on, result) })
  if (suite.failedEnd !== undefined) {
    plans.push({ ...lied(suite.failedEnd), ...failedEnd(on, part), also: suite.failedEnd.also })
  }
  describePlans(plans)
}

async function wrongDeletion(on: Ground, { prefix, error }: FaultResult): Promise<string | undefined> {
  return error !== undefined || (await on.stored(`${prefix}new`)) === undefined ? undefined : 'it is still there'
}

async function wrongDeletions(on: Ground, { prefix, value, error }: FaultResult): Promise<string | undefined> {
  if (error !== undefined) return undefined
  const [deleted = 0, errors = 0] = value as number[]
  const gone = 2 - (await leftOf(on, prefix))
  return deleted <= gone && deleted + errors === 2 ? undefined : `it tells ${value}, and ${gone} of two are gone`
}
