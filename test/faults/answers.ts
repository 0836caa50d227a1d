/** Answers made of other answers, as XML or JSON. */
import type { Answer, Lie } from './faults.ts'

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

type Change = Lie['answer']

/** An answer whose body is another one of the same type. */
export function changed(answer: Answer, body: string): Answer {
  return { ...answer, body: Buffer.from(body) }
}

/** Another XML document in a success. */
export function insteadXml(document: string): Change {
  return truth => withBody({ ...truth, status: 200 }, 'application/xml', document)
}

/** The true XML document without the elements of this name. */
export function lackingElement(element: string): Change {
  return truth => changed(truth, `${truth.body}`.replaceAll(new RegExp(`<${element}>.*?</${element}>`, 'gs'), ''))
}

const JSON_TYPE = 'application/json; charset=UTF-8'

/** Another JSON document in a success. */
export function insteadJson(document: unknown): Change {
  return truth => withBody({ ...truth, status: 200 }, JSON_TYPE, JSON.stringify(document))
}

/** The true JSON document with other fields. */
export function changedFields(change: (fields: Record<string, unknown>) => Record<string, unknown>): Change {
  return truth => withBody(truth, JSON_TYPE, JSON.stringify(change(JSON.parse(`${truth.body}`))))
}

/** The true JSON document without some fields. */
export function lackingFields(...names: string[]): Change {
  return changedFields(fields => Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name))))
}
