import { EntitySchema, MikroORM } from '@mikro-orm/sqlite'
import { FileRegistry, fileField } from '../src/fields/index.ts'
import { MemoryStorage } from '../src/index.ts'
import { fileType, mikroFiles } from '../src/orm/mikro-orm/index.ts'

class A {}
class B {}
const storage = new MemoryStorage()
const props = (pdf: object) => ({ id: { type: 'integer', primary: true }, title: { type: 'string' }, pdf })
const orm = await MikroORM.init({
  dbName: ':memory:',
  entities: [
    new EntitySchema({ class: A, properties: props({ type: 'string', length: 100, nullable: true }) } as never),
    new EntitySchema({
      class: B,
      properties: props({ type: fileType(fileField({ storage, uploadTo: 'pdfs' })), nullable: true }),
    } as never),
  ],
})
await orm.schema.create()
if (process.argv[3] !== 'off') mikroFiles(orm, { registry: new FileRegistry() })
const half = process.argv[2] === 'null'
for (const E of [A, B])
  for (let i = 0; i < 10; i++)
    await orm.em
      .fork()
      .insertMany(
        E as never,
        Array.from({ length: 1000 }, (_, n) => ({
          title: `t${n}`,
          pdf: half ? null : `pdfs/file-${i}-${n}.pdf`,
        })) as never,
      )
const cpu = () => {
  const u = process.cpuUsage()
  return (u.user + u.system) / 1000
}
const time = async (E: unknown) => {
  const em = orm.em.fork()
  const t = cpu()
  const rows = await em.find(E as never, {})
  const d = cpu() - t
  if (rows.length !== 10000) throw 0
  return d
}
const ta: number[] = [],
  tb: number[] = []
for (let i = 0; i < 200; i++) {
  if (i % 2) {
    ta.push(await time(A))
    tb.push(await time(B))
  } else {
    tb.push(await time(B))
    ta.push(await time(A))
  }
}
const med = (l: number[]) => l.slice(5).sort((a, b) => a - b)[Math.floor((l.length - 5) / 5)]!
const min = (l: number[]) => Math.min(...l)
console.log(
  'text',
  med(ta).toFixed(1),
  'file',
  med(tb).toFixed(1),
  'ratio',
  (med(tb) / med(ta)).toFixed(3),
  'min ratio',
  (min(tb) / min(ta)).toFixed(3),
)
await orm.close()
