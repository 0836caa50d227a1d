import type { Model } from 'sequelize'
import type { FileModel } from '../../fields/index.ts'
import { PendingFile } from './column.ts'

/** Puts the names that pending files would get in their places, where validators ask for them; what is returned takes them out again. */
export async function candidates(row: Model, files: FileModel): Promise<() => void> {
  const { rawAttributes } = row.constructor as unknown as { rawAttributes: Record<string, { validate?: object }> }
  const values = row.dataValues as Record<string, unknown>
  const replaced: [string, PendingFile, string][] = []
  for (const attribute of files.attributes) {
    const held = values[attribute]
    if (!(held instanceof PendingFile) || rawAttributes[attribute]?.validate === undefined) continue
    const given = held.source.pending?.givenName ?? (held.source.name || 'file')
    const name = await files.fields[attribute]!.generateFilename(row, given)
    replaced.push([attribute, held, name])
  }
  for (const [attribute, , name] of replaced) values[attribute] = name
  return () => {
    for (const [attribute, held, name] of replaced) if (values[attribute] === name) values[attribute] = held
  }
}
