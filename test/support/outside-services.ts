/** Run on the "Internet" of a home: a STUN server on UDP 3478 and an address echo at `http://…:8080/:/ip`, until standard input ends. Argument: the address. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';

const MAGIC_COOKIE = [0x21, 0x12, 0xa4, 0x42];

const stun = createSocket('udp4');
stun.on('message', (question: Buffer, from) => {
  const masked = from.address.split('.').map((part, index) => Number(part) ^ (MAGIC_COOKIE[index] ?? 0));
  const port = from.port ^ 0x2112;
  const head = Buffer.from(question.subarray(0, 20));
  head.writeUInt16BE(0x0101, 0);
  head.writeUInt16BE(12, 2);
  stun.send(
    Buffer.concat([head, Buffer.from([0, 0x20, 0, 8, 0, 1, port >> 8, port & 0xff, ...masked])]),
    from.port,
    from.address,
  );
});
// Answers must leave from the address that was asked.
stun.bind(3478, process.argv[2]);
const echo = createServer((request, response) => {
  response.statusCode = request.url === '/:/ip' ? 200 : 404;
  response.end(request.socket.remoteAddress);
}).listen(8080, process.argv[2]);
echo.once('listening', () => process.stdout.write('ready\n'));
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
