/** A compression that browsers decode, by its name as a content coding. (IANA HTTP Content Coding Registry) */
export type Coding = 'br' | 'gzip' | 'zstd'

/** Extensions of compressed siblings: `a.css.br` beside `a.css`. */
export const CODING_EXTENSIONS: Readonly<Record<Coding, string>> = { br: '.br', gzip: '.gz', zstd: '.zst' }
