/** A program: the embedded API server on a data directory, until it is killed. Prints where it listens as one line of JSON. */
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { openDataDirectory } from '../../src/standalone/apiserver/persistence/data-directory.ts';
import { ApiServer } from '../../src/standalone/apiserver/server.ts';
import { firstRevision } from '../../src/standalone/apiserver/storage.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';

const [, , directory = '', token = '', leastLogBytes = '8388608'] = process.argv;
const nowMs = Date.now();
const { caPem, certPem, keyPem } = issueCertificates({ nowMs, hosts: ['127.0.0.1'] });
const log = createLog({ level: 'warn', name: 'kept', destination: 'stderr' });
const data = openDataDirectory({
  directory,
  log,
  firstRevision: firstRevision(nowMs),
  leastLogBytes: Number(leastLogBytes),
});
const server = new ApiServer({ token, tls: { certPem, keyPem }, clock: systemClock, log, data });
await server.start();
process.once('SIGTERM', () => void server.stop());
console.log(JSON.stringify({ url: server.url, caPem }));
