import type { Command } from 'commander'
import { type CliContext, shownTarget, UsageError } from '../context.ts'

const METHODS = ['GET', 'HEAD', 'PUT', 'DELETE'] as const

interface UrlCommandOptions {
  readonly expires?: string
  readonly method: string
  readonly contentType?: string
}

/** `holdall url`: the address of a file, signed where the storage signs. */
export function url(program: Command, context: CliContext): void {
  program
    .command('url')
    .description('print the URL of a file, signed where the storage signs')
    .argument('<place>', 'alias:path')
    .option('--expires <seconds>', 'life of a signed URL')
    .option('--method <method>', METHODS.join(', '), 'GET')
    .option('--content-type <type>', 'of the upload that the URL is for')
    .action(async (place: string, options: UrlCommandOptions) => {
      const method = METHODS.find(name => name === options.method.toUpperCase())
      if (method === undefined) throw new UsageError(`--method: expected one of ${METHODS.join(', ')}.`)
      const expiresInSecs = options.expires === undefined ? undefined : Number(options.expires)
      if (expiresInSecs !== undefined && !(Number.isInteger(expiresInSecs) && expiresInSecs > 0)) {
        throw new UsageError(`--expires: expected a whole number of seconds above 0, got '${options.expires}'.`)
      }
      const { alias, storage, path } = await context.target(place)
      const { contentType } = options
      const address = await storage.url(path, { method, expiresInSecs, contentType, signal: context.signal })
      await context.out.document({ place: shownTarget(alias, path), method, url: address })
      await context.out.line(address)
    })
}
