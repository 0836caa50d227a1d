import { expect } from 'vitest'
import { seeded } from '../oracles/seeded.ts'
import { formOf, png, send } from './form.ts'
import type { Ground, Serving } from './grounds.ts'
import { idle, type Place } from './places.ts'

/** A form of two files, of which the second is larger, with text fields before, between and after them. */
export function sampleForm(size: number): Buffer {
  return formOf(
    { name: 'title', body: 'a title' },
    { name: 'file', filename: 'first.png', type: 'image/png', body: png(size) },
    { name: 'between', body: 'text' },
    { name: 'other', filename: 'second.png', type: 'image/png', body: png(3 * size) },
    { name: 'after', body: 'text' },
  )
}

/** Cuts the connection of so many forms at random bytes; after each one nothing may be left. */
export async function cutForms(
  ground: Ground,
  place: Place,
  options: { readonly count: number; readonly seed: number; readonly size: number; readonly path?: string },
): Promise<void> {
  const { count, seed, size, path = '/' } = options
  const field: Serving['field'] = { uploadTo: 'uploads', allow: ['image/png'], maxSize: 100_000_000 }
  const server = await ground.start({ storage: place.storage, field })
  const form = sampleForm(size)
  const random = seeded(seed)
  try {
    for (let at = 0; at < count; at++) {
      const cutAt = Math.floor(random() * form.length)
      await send(server.port, form, { cutAt, path })
      await idle(server, place)
      expect(await place.left(), `seed ${seed}, cut ${at} at byte ${cutAt} of ${form.length}`).toEqual([])
    }
    expect(server.counts.begun).toBe(count)
    // A form that is not cut is stored, so the server still works, and what is looked at is the right place.
    const answer = await send(server.port, form, { path })
    expect([Math.floor(answer!.status / 100), (await place.left()).length], answer!.text).toEqual([2, 2])
  } finally {
    await server.close()
    await place.clear()
  }
}
