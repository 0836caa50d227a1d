/** What the storage browser answers as JSON: each answer has some of these. */
export interface BrowserAnswer {
  readonly entries: readonly { readonly name: string; readonly path: string; readonly kind: string }[]
  readonly next?: string
  readonly storages: readonly { readonly label: string; readonly writable: boolean }[]
  readonly name: string
  readonly path: string
  readonly url: string
  readonly error: string
}

export async function answerOf(answer: Response | Promise<Response>): Promise<BrowserAnswer> {
  return (await (await answer).json()) as BrowserAnswer
}
