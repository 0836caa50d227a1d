import { test } from 'vitest'
import * as atmos from './backends/atmos/support.ts'
import * as nimbus from './backends/nimbus/support.ts'
import { storageFor as ftpFor } from './backends/ftp/support.ts'
import { storageAt as sftpAt } from './backends/sftp/support.ts'
import { FtpServer } from './servers/ftp.ts'
import { startSftpServer } from './servers/sftp.ts'
import { startStrictAtmos } from './servers/strict-atmos.ts'
import { startStrictNimbus } from './servers/strict-nimbus.ts'
test('counts', async () => {
  const a = await startStrictAtmos(), n = await startStrictNimbus({ collections: ['media'] }), f = await FtpServer.start(), s = await startSftpServer()
  const of = { atmos: [atmos.storageWith({...atmos.at(a), fileOverwrite: false}), a], nimbus: [nimbus.storageWith({...nimbus.at(n), fileOverwrite: false}), n], ftp: [ftpFor(f, {fileOverwrite:false}), f], sftp: [sftpAt(s, {fileOverwrite:false}), s] } as any
  for (const [k, [st, srv]] of Object.entries(of) as any) {
    console.log(k, Object.keys(srv), st.features)
    await st.save('from/1', 'x'); await st.save('from/2', 'x'); await st.copy('from/1', 'to/1')
    const log = srv.requests ?? srv.commands ?? srv.log
    const n0 = log?.length
    await st.copy('from/2', 'to/2')
    console.log(k, (log ?? []).slice(n0).map((r: any) => typeof r === 'string' ? r : r.method ? r.method + ' ' + (r.path ?? r.url ?? r.target) : JSON.stringify(r)))
    await st.close()
  }
  await a.close(); await n.close(); await f.close(); await s.close()
})
