import type { CallContext } from '../../../core/call.ts'
import { isStorageError } from '../../../core/errors.ts'
import { listedPart, type S3Part } from '../../../remote/part-documents.ts'
import type { S3Client } from '../client.ts'

/**
 * The parts of an upload that the service has, up to the first gap; undefined when there is no such upload. (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html)
 */
export async function storedParts(
  client: S3Client,
  { key, baseHeaders }: { readonly key: string; readonly baseHeaders: Readonly<Record<string, string>> },
  uploadId: string,
  ctx: CallContext,
): Promise<S3Part[] | undefined> {
  const parts: S3Part[] = []
  for (let after: number | undefined; ; ) {
    const query: Array<[string, string]> = [['uploadId', uploadId]]
    if (after !== undefined) query.push(['part-number-marker', String(after)])
    const request = { method: 'GET', key, query, headers: { ...baseHeaders } } as const
    const root = await ctx
      .step('listParts', true, async step => (await client.xml(request, step)).root)
      .catch(error => {
        if (!isStorageError(error, 'not_found')) throw error
      })
    if (root === undefined) return undefined
    const page = root.children('Part').map(listedPart)
    for (const part of page) if (part.number === parts.length + 1) parts.push(part)
    const last = page.at(-1)?.number
    const isCut = root.child('IsTruncated')?.text.trim() === 'true'
    if (!isCut || last === undefined || last <= (after ?? 0)) return parts
    after = last
  }
}
