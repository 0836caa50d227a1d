import { failure } from './failure.ts'
import type { ServedStorage } from './served-storage.ts'
import { CONDITIONS } from './upload.ts'

/**
 * Deletes exactly this file and answers 204, also when it is missing. Conditions are a 501, since they would otherwise be ignored. (RFC
 * 9110 9.3.5)
 */
export async function deleteFile(
  storage: Pick<ServedStorage, 'delete'>,
  name: string,
  request: Request,
): Promise<Response> {
  if (CONDITIONS.some(header => request.headers.has(header))) return failure(501)
  await storage.delete?.(name, { signal: request.signal })
  return new Response(null, { status: 204 })
}
