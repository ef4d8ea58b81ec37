import { connect, type Socket } from 'node:net';

// A script that opens connections to a local port and sends nothing. It prints when all are open, and whenever the server
// has closed one.

const [port, count] = process.argv.slice(2).map(Number);
const sockets: Socket[] = [];
let closed = 0;
for (let i = 0; i < (count ?? 0); i++) {
  const socket = connect({ port: port ?? 0, host: '127.0.0.1' });
  sockets.push(socket);
  socket.on('error', () => {}); // A reset closes the socket too.
  socket.on('close', () => process.stdout.write(`closed ${++closed}\n`));
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
}
process.stdout.write(`open ${sockets.length}\n`);
