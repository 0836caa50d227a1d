import type { Command } from 'commander'
import { type CliContext, shownTarget, UsageError } from '../context.ts'
import { secondsOf } from '../options.ts'

const METHODS = ['GET', 'HEAD', 'PUT', 'DELETE'] as const

interface UrlCommandOptions {
  readonly expires?: string
  readonly method: string
  readonly contentType?: string
}

/** `holdall url`: prints the URL of a file, signed where the storage signs. */
export function url(program: Command, context: CliContext): void {
  program
    .command('url')
    .description('print the URL of a file, signed where the storage signs')
    .argument('<place>', '[alias:]path')
    .option('--expires <duration>', 'life of a signed URL: seconds, or 90s, 10m, 1h, 7d')
    .option('--method <method>', METHODS.join(', '), 'GET')
    .option('--content-type <type>', 'media type of the upload that the URL is for')
    .action(async (place: string, options: UrlCommandOptions) => {
      const method = METHODS.find(name => name === options.method.toUpperCase())
      if (method === undefined) throw new UsageError(`--method: expected one of ${METHODS.join(', ')}.`)
      const expiresInSecs = options.expires === undefined ? undefined : secondsOf('--expires', options.expires)
      const { alias, storage, path } = await context.target(place)
      const { contentType } = options
      const address = await storage.url(path, { method, expiresInSecs, contentType, signal: context.signal })
      await context.out.document({ place: shownTarget(alias, path), method, url: address })
      await context.out.line(address)
    })
}
