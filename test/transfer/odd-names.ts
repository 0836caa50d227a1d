/** Names that a storage would normalise, and files under exactly these keys. */
import { bytesContent } from '../../src/core/content.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import { plainContext } from '../../src/testing/index.ts'
import type { Files } from './support.ts'

/** Names that every storage normalises, beside the names that they would become. */
export const ODD: readonly string[] = [
  ...['a//b', '/a', '//a', 'd///e', 'back\\slash', 'x/\\', 'trail/ing ', 'a', 'a/b', 'd/e', 'back/slash', ' a ', 'a '],
  ...['ü/😀', 'u\u0308/😀', '%2F', 'a%2Fb', 'q?x#y&+', `${'n'.repeat(1000)}`, `/${'é'.repeat(500)}`, '<&>"\''],
]
/** Names with parts that servers in between may resolve. */
export const DOTS: readonly string[] = ['a/./b', './a', 'f/../a', 'f/..g/.h']
/** Characters that XML 1.0 cannot contain, or normalises. */
export const CONTROLS: readonly string[] = [
  'c/\u0001',
  'c/\u001f//x',
  'c/\t',
  'c/\n',
  'c/\r',
  'c/\r\n',
  'c/\u007f',
  'c/\u0085',
  'c/\uffff',
]

/** Stores a file under exactly this key. */
export async function put(storage: AnyStorage, key: string): Promise<void> {
  const content = bytesContent(Buffer.from(`bytes of ${key}`))
  await storage.calls.driver.write(key, content, { contentType: 'text/x-odd' }, plainContext())
}

/** The files that `put` has stored, by their names. */
export function textsOf(names: readonly string[]): Files {
  return Object.fromEntries(names.map(name => [name, `bytes of ${name}`]))
}
