export async function runOnce(): Promise<void> {}
