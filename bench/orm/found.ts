/** What is measured of an adapter: the same rows found with a file column and with a text column. */
export const ROWS = 10_000

/** A database with two equal tables of `ROWS` rows: `id`, `title`, and `pdf` with the name of a file. */
export interface Found {
  /** All rows, whose `pdf` is a `FieldFile`. */
  withFiles(): Promise<readonly unknown[]>
  /** All rows of the same query, whose `pdf` is text. */
  withText(): Promise<readonly unknown[]>
  close(): Promise<unknown>
}

/** The columns of row `n`, counted from 1. */
export function rowOf(n: number): { readonly id: number; readonly title: string; readonly pdf: string } {
  return { id: n, title: `CV of applicant ${n}`, pdf: `pdfs/2026/11/cv-${n}.pdf` }
}
