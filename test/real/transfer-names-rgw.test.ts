import { afterAll, expect, test } from 'vitest'
import { plainContext } from '../../src/testing/index.ts'
import { compare } from '../../src/transfer/index.ts'
import { startRgw } from '../servers/rgw.ts'
import { CONTROLS, DOTS, ODD, put, textsOf } from '../transfer/odd-names.ts'
import { filesIn, synced } from '../transfer/support.ts'
import { rgwStorage } from './places/rgw.ts'

const server = await startRgw()
afterAll(() => server.close(), 60_000)

test('every key is copied to another bucket exactly as it is, once, and deleted there by itself', async () => {
  await using source = rgwStorage(server, { bucketName: 'names' })
  await using target = rgwStorage(server, { bucketName: 'names-copy' })
  await source.createContainer()
  await target.createContainer()
  const names = [...ODD, ...DOTS, ...CONTROLS]
  for (const name of names) await put(source, name)
  expect(await filesIn(source)).toEqual(textsOf(names))
  const first = await synced(source, target)
  expect(first.events).toEqual(names.map(name => `copied ${name}`).sort())
  expect(await filesIn(target)).toEqual(textsOf(names))
  expect((await synced(source, target)).report).toMatchObject({ copied: 0, unchanged: names.length, failed: 0 })
  expect(await compare(source, target)).toMatchObject({ isEqual: true, equal: names.length })
  const gone = names.filter((_, index) => index % 2 === 0)
  for (const name of gone) await source.calls.driver.delete(name, plainContext())
  const { report } = await synced(source, target, { delete: true, maxDelete: 100 })
  expect(report).toMatchObject({ copied: 0, deleted: gone.length, failed: 0, inSync: true })
  expect(await filesIn(target)).toEqual(textsOf(names.filter(name => !gone.includes(name))))
}, 120_000)
