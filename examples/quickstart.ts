import { configure, defaultStorage } from 'holdall'

configure({ STORAGES: { default: { BACKEND: 'memory', OPTIONS: { baseUrl: '/media/' } } } })
const name = await defaultStorage.save('notes/hello.txt', 'Hello, ')
await defaultStorage.edit(name, 'a', file => file.write('world!'))
const text = await defaultStorage.edit(name, 'r', file => file.read())
const other = await defaultStorage.save('notes/hello.txt', 'The name is taken, so this file gets another one.')
console.log(name, text, await defaultStorage.size(name), await defaultStorage.url(name))
console.log(other !== name, (await defaultStorage.listdir('notes'))[1].length)
