/** An application that stores files: what it is asked, and how it answers. The same in this process and as a process of its own. */
import { isStorageError } from '../../../src/core/errors.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'

/** What a client asks. `text` is the content of a file. */
export type Request =
  | { readonly do: 'write' | 'append' | 'saveNew'; readonly name: string; readonly text: string }
  | { readonly do: 'read' | 'delete'; readonly name: string }
  | { readonly do: 'list' }

/** A file as a client sees it. */
export interface SeenFile {
  readonly text: string
  readonly contentType: string | undefined
  readonly cacheControl: string | undefined
}

/** A result, or the error of a request that failed. A missing file has the value null. */
export type Answer = { readonly value: unknown } | { readonly error: string }

/** One process of the application. */
export interface Server {
  ask(request: Request): Promise<Answer>
  end(): Promise<void>
}

/** What every file is stored with. */
export const ATTRIBUTES = { contentType: 'text/x-note', cacheControl: 'max-age=7' } as const

/** Answers a request; never rejects. */
export async function answerOf(storage: AnyStorage, request: Request): Promise<Answer> {
  try {
    return { value: (await resultOf(storage, request)) ?? null }
  } catch (error) {
    return { error: `${request.do}: ${isStorageError(error) ? `${error.code} ` : ''}${String(error)}` }
  }
}

async function resultOf(storage: AnyStorage, request: Request): Promise<unknown> {
  switch (request.do) {
    case 'write':
      return storage.save(request.name, request.text, { overwrite: true, ...ATTRIBUTES })
    case 'saveNew':
      return storage.save(request.name, request.text, { overwrite: false, ...ATTRIBUTES })
    case 'append':
      return storage.edit(request.name, 'a', file => file.write(request.text), ATTRIBUTES)
    case 'delete':
      return storage.delete(request.name)
    case 'read':
      return seen(storage, request.name)
    case 'list': {
      const names: string[] = []
      for await (const { name } of storage.entries('', { recursive: true })) names.push(name)
      return names
    }
  }
}

/** Returns the file with its attributes; undefined if there is none. */
export async function seen(storage: AnyStorage, name: string): Promise<SeenFile | undefined> {
  try {
    const [text, { contentType, cacheControl }] = [await storage.readText(name), await storage.stat(name)]
    return { text, contentType, cacheControl }
  } catch (error) {
    if (isStorageError(error, 'not_found')) return undefined
    throw error
  }
}

/** A server in this process. `end` waits for its requests. */
export function serverOf(storage: AnyStorage): Server {
  const running = new Set<Promise<Answer>>()
  return {
    async ask(request) {
      const answer = answerOf(storage, request)
      running.add(answer)
      try {
        return await answer
      } finally {
        running.delete(answer)
      }
    },
    async end() {
      await Promise.all(running)
    },
  }
}
