/** Lies: answers whose status says success, and which are not true. */
import { type NamedFault, named } from './case.ts'
import type { Answer, Lie } from './faults.ts'

const EMPTY = Buffer.alloc(0)
const PAGE = Buffer.from(
  '<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>Please sign in<br></body></html>\n',
)

/** An answer without these headers, whose names are lower-case. */
export function without(answer: Answer, ...names: string[]): Answer {
  return { ...answer, headers: answer.headers.filter(([name]) => !names.includes(name.toLowerCase())) }
}

/** An answer with one header replaced or added. */
export function withHeader(answer: Answer, name: string, value: string): Answer {
  const kept = without(answer, name.toLowerCase())
  return { ...kept, headers: [...kept.headers, [name, value]] }
}

/** An answer whose body is text of a type. */
export function withBody(answer: Answer, type: string, text: string): Answer {
  return { ...withHeader(answer, 'Content-Type', type), body: Buffer.from(text) }
}

/** A lie before the work, and the same one after it. */
export function lies(title: string, answer: Lie['answer']): NamedFault[] {
  return [
    named(`${title}, nothing done`, { do: 'lie', answer }),
    named(`${title}, all done`, { do: 'lie', at: 'after', answer }),
  ]
}

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
  ...lies('an empty 200', () => ({ status: 200, headers: [['Content-Length', '0']], body: EMPTY })),
  ...lies('an accepted 202', () => ({ status: 202, headers: [['Content-Length', '0']], body: EMPTY })),
]
