import { discardUploads } from './engine.ts'

/** The messages of multer's parser for a body that is malformed or ends early. They have no codes. */
const MALFORMED =
  /^(?:Unexpected end of (?:form|file)|Malformed (?:part header|content type|urlencoded form)|Multipart: Boundary not found|Missing Content-Type|Unsupported content type|Request (?:aborted|closed|error))/

/**
 * Returns Express error handling middleware for routes with `holdallStorage`: it removes the files that the request has stored, and sets
 * the status of multer's errors (413 beyond a limit, 400 for other errors of the client; Express would answer 500). Then it calls the next
 * error handler.
 */
export function uploadErrors(): (error: unknown, req: object, res: object, next: (error?: unknown) => void) => void {
  return (error, req, _res, next) => {
    discardUploads(req).finally(() => next(withStatus(error)))
  }
}

function withStatus(error: unknown): unknown {
  if (!(error instanceof Error) || 'status' in error || 'statusCode' in error) return error
  const { name, code } = error as { readonly name: string; readonly code?: unknown }
  if (name === 'MulterError') {
    const status = /^LIMIT_(?!UNEXPECTED)/.test(`${code}`) ? 413 : 400
    return Object.assign(error, { status, statusCode: status, expose: true })
  }
  return MALFORMED.test(error.message) ? Object.assign(error, { status: 400, statusCode: 400, expose: true }) : error
}
