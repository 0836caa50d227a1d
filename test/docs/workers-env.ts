/** In place of the module `cloudflare:workers`: its bindings that the page names. */
export const env: Readonly<Record<'S3_ENDPOINT' | 'S3_KEY' | 'S3_SECRET', string>> = {
  S3_ENDPOINT: 'https://s3.example.com',
  S3_KEY: 'key',
  S3_SECRET: 'secret',
}
