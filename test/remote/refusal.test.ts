import { expect, it } from 'vitest'
import { BytesBody } from '../../src/core/body.ts'
import { readRefusal } from '../../src/remote/refusal.ts'

const answer = (text: string, more: object = {}) => ({
  status: 409,
  headers: {},
  body: new BytesBody(Buffer.from(text)),
  ...more,
})
const POST = { method: 'POST' }

it('reads documents of JSON and of XML, and nothing of others', async () => {
  const json = await readRefusal(POST, answer('{"code":"taken"}'))
  expect([json.json, json.root]).toEqual([{ code: 'taken' }, undefined])
  const xml = await readRefusal(POST, answer('<Error><Code>Taken</Code></Error>'))
  expect([xml.json, xml.root?.child('Code')?.text, xml.isOwn]).toEqual([undefined, 'Taken', true])
  for (const text of ['', 'null', '"text"', '7', '{"code":', 'plain']) {
    const { json: found, root } = await readRefusal(POST, answer(text))
    expect([found, root], text).toEqual([undefined, undefined])
  }
})

it('says that the outcome of a change is unknown that was sent twice', async () => {
  const outcomeOf = async (method: string) => (await readRefusal({ method }, answer('', { resent: true }))).outcome
  expect([await outcomeOf('PUT'), await outcomeOf('GET')]).toEqual(['unknown', undefined])
  expect((await readRefusal(POST, answer(''))).outcome).toBeUndefined()
})
