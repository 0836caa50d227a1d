import { DataSource } from 'typeorm'
import { OrmPlace } from './test/orm/suite/place.ts'
import { startTypeorm } from './test/orm/typeorm/ground.ts'
import { upload } from './src/fields/index.ts'
const g = await startTypeorm({ type: 'sqljs' }, new OrmPlace())
const ds = g.dataSource
console.log(ds.subscribers.length, ds.subscribers.map(s => [s.listenTo?.(), !!s.beforeInsert]), ds.entityMetadatas.map(m => m.target), Object.getOwnPropertyNames(ds.manager))
const m = ds.getRepository('Resume').manager
console.log(m === ds.manager)
ds.subscribers.push({ beforeInsert(e) { console.log('ins', e.metadata === ds.entityMetadatas[0], e.metadata.target) } } as any)
await g.create({ title: 'x', pdf: upload('a', 'a.txt') }).catch(console.log)
