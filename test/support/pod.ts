/** A process behind a Service: `node pod.ts NODE PORT` answers every HTTP request with the name of the node it runs on. */
import { createServer } from 'node:http';

const [, , nodeName = '', port = ''] = process.argv;
createServer((_request, response) => {
  response.setHeader('Connection', 'close');
  response.end(`pod on ${nodeName}\n`);
}).listen(Number(port), '::', () => console.log(`listening on ${port}`));
