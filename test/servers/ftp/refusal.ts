/** A command that is refused: its reply. */
export class Refusal extends Error {
  readonly code: number

  constructor(code: number, text: string) {
    super(text)
    this.code = code
  }

  /** The reply's line; `terse` servers tell nothing by their 550. */
  reply(terse: boolean): string {
    return `${this.code} ${terse && this.code === 550 ? 'Requested action not taken.' : this.message}`
  }
}
