#!/usr/bin/env node
// This file must run on any Node version, to report which one is needed: it has no imports.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `holdall needs Node 22.18 or newer, and this is ${process.versions.node} (${process.execPath}).\n` +
      "Install the newest Node from https://nodejs.org, or give only this project one: 'npm install --save-dev node', " +
      "then 'npx holdall'.",
  )
  process.exitCode = 1
} else {
  const { keepCompiledCode } = await import('./compile-cache.ts')
  keepCompiledCode()
  const { main } = await import('./main.ts')
  await main(process.argv)
}
