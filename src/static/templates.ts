/** An object that returns the URLs of static files, such as `StaticFiles` after `load`. */
export interface StaticUrls {
  url(name: string): string
}

/** Returns the URL of a static file by its name, for templates. */
export type StaticUrl = (name: string) => string

/** Options of the template functions. */
export interface TemplateOptions {
  /** The function's name in templates; default `staticUrl`. */
  readonly name?: string | undefined
}

const NAME = 'staticUrl'

/**
 * Returns `files.url` as a separate function, for templates. It throws the errors of `files.url`: `not_found` for a name that is not in the
 * manifest.
 * @example
 * app.locals.staticUrl = staticUrl(files) // Express: in every template of the application
 */
export function staticUrl(files: StaticUrls): StaticUrl {
  return name => files.url(name)
}

/** The part of Express middleware that is used here. */
export type ExpressMiddleware = (
  request: unknown,
  response: { readonly locals: Record<string, unknown> },
  next: () => void,
) => void

/**
 * Returns middleware for Express 4 and 5: templates find the function in `res.locals`. An application whose templates all need it may set
 * `app.locals.staticUrl = staticUrl(files)` instead.
 * @example
 * app.use(expressStaticUrl(files))
 * // <link rel="stylesheet" href="<%= staticUrl('css/site.css') %>">
 */
export function expressStaticUrl(files: StaticUrls, { name = NAME }: TemplateOptions = {}): ExpressMiddleware {
  const url = staticUrl(files)
  return (_request, response, next) => {
    response.locals[name] = url
    next()
  }
}

/** The part of Hono middleware that is used here. */
export type HonoMiddleware = (
  context: { set(name: string, value: unknown): void },
  next: () => Promise<void>,
) => Promise<void>

/**
 * Returns middleware for Hono 4: handlers and components find the function with `c.get('staticUrl')` or `c.var.staticUrl`.
 * @example
 * const app = new Hono<{ Variables: { staticUrl: StaticUrl } }>()
 * app.use(honoStaticUrl(files))
 * app.get('/', c => c.html(html`<link rel="stylesheet" href="${c.var.staticUrl('css/site.css')}">`))
 */
export function honoStaticUrl(files: StaticUrls, { name = NAME }: TemplateOptions = {}): HonoMiddleware {
  const url = staticUrl(files)
  return (context, next) => {
    context.set(name, url)
    return next()
  }
}

/** The part of a Fastify application that is used here. */
export interface FastifyApplication {
  hasReplyDecorator(name: string): boolean
  decorateReply(name: string, value: unknown): unknown
  addHook(name: 'onRequest', hook: (request: unknown, reply: unknown, done: () => void) => void): unknown
}

/** The part of a Fastify plugin that is used here. */
export type FastifyPlugin = (application: FastifyApplication) => Promise<void>

/**
 * Returns a plugin for Fastify 4 and 5: handlers find the function as `reply.staticUrl`, templates of `@fastify/view` in `reply.locals`,
 * whichever of the two plugins is registered first. It is not encapsulated: it applies to the application that it is registered in, and to
 * all below.
 * @example
 * await app.register(fastifyStaticUrl(files))
 * app.get('/', (request, reply) => reply.view('index.ejs')) // href="<%= staticUrl('css/site.css') %>"
 */
export function fastifyStaticUrl(files: StaticUrls, { name = NAME }: TemplateOptions = {}): FastifyPlugin {
  const url = staticUrl(files)
  // Fastify catches errors of an asynchronous plugin, such as for a name that is taken.
  const plugin: FastifyPlugin = async application => {
    application.decorateReply(name, url)
    // If @fastify/view has decorated the reply itself, it makes an object for each request; otherwise it uses this one.
    if (!application.hasReplyDecorator('locals')) application.decorateReply('locals', null)
    application.addHook('onRequest', (_request, reply, next) => {
      const { locals } = reply as { locals?: object | null }
      Object.assign(reply as object, { locals: { ...locals, [name]: url } })
      next()
    })
  }
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'holdall-static-url',
  })
}
