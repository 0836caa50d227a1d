/** Flags of OPEN. (draft-ietf-secsh-filexfer-02, section 6.3) */
export const OPEN = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const
